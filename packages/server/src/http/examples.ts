import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { type Engine, EngineFailure } from "@sparql-live/engine";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { disconnectSignal } from "./disconnect.js";
import { documented } from "./operation.js";

const Query = Type.Object({ endpoint: Type.Optional(Type.String({ maxLength: 128 })) });

const Examples = Type.Object({
  endpoint: Type.String(),
  examples: Type.Array(Type.Object({ iri: Type.String(), question: Type.String(), sparql: Type.String() })),
});

const OPTIONS = documented(
  {
    operationId: "listExamples",
    summary: "The example questions that an endpoint offers",
    description: "Without `endpoint` those of the first.",
    tag: "questions",
    responses: { 200: { description: "The examples.", content: { "application/json": Examples } } },
    problems: [400, 404, 502, 503, 504],
  },
  { querystring: Query },
);

/** `GET /api/examples?endpoint=`: the example questions that an endpoint offers; without one, of the first. */
export function mountExamples(app: FastifyInstance, engine: Engine): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get("/api/examples", OPTIONS, async (request, reply) => {
    const id = request.query.endpoint;
    const endpoint = id === undefined ? engine.endpoints.list()[0] : engine.endpoints.get(id);
    if (endpoint === undefined)
      throw new EngineFailure("endpoint_not_found", `There is no endpoint "${id}".`);
    const examples = await endpoint.examples(disconnectSignal(reply));
    return {
      endpoint: endpoint.entry.id,
      examples: examples.map(({ iri, question, sparql }) => ({ iri, question, sparql })),
    };
  });
}
