import { randomUUID } from "node:crypto";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { type Engine, EngineFailure, LIMITS } from "@sparql-live/engine";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Live } from "../live.js";
import { consumerOf } from "./consumer.js";
import { onAnswerOver } from "./disconnect.js";
import type { Gate } from "./gate.js";
import { documented } from "./operation.js";

const Query = Type.Object({
  dataset: Type.String({
    minLength: 1,
    maxLength: 2_048,
    description: "The id of an endpoint, or a dataset IRI that its entry lists.",
  }),
  question: Type.String({ minLength: 1, maxLength: LIMITS.maxQuestionCharacters }),
});

const Drafted = Type.Object({ dataset: Type.String(), question: Type.String(), query: Type.String() });

const OPTIONS = documented(
  {
    operationId: "draftQuery",
    summary: "Drafts the SPARQL for a question, without running it",
    tag: "questions",
    responses: { 200: { description: "The query.", content: { "application/json": Drafted } } },
    problems: [400, 404, 422, 429, 502, 503, 504],
  },
  { querystring: Query },
);

/** `GET /text2sparql?dataset&question` → the drafted query, not executed, with exactly what was asked projected. */
export function mountText2Sparql(
  app: FastifyInstance,
  deps: { readonly engine: Engine; readonly live: Live; readonly gate: Gate },
): void {
  const { engine, live } = deps;
  app.withTypeProvider<TypeBoxTypeProvider>().get("/text2sparql", OPTIONS, async (request, reply) => {
    const { dataset, question } = request.query;
    const endpoint = engine.endpoints.findByDataset(dataset);
    if (endpoint === undefined) {
      throw new EngineFailure("endpoint_not_found", `No endpoint answers for the dataset "${dataset}".`);
    }
    const { userId, key, limits } = consumerOf(request, deps);
    // As one of those that are listed, and that end with the server.
    const run = live.runs.begin(`http:${key}`, randomUUID(), userId);
    onAnswerOver(reply, () => run.cancel("disconnected"));
    let release: (() => void) | undefined;
    try {
      release = await live.queries?.turns.take(key, run.signal, () => undefined, limits.parallelQueries);
      return { dataset, question, query: await draft(engine, endpoint.entry.id, question, run.signal) };
    } finally {
      release?.();
      run.end();
    }
  });
}

async function draft(
  engine: Engine,
  endpointId: string,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const request = { question, endpointId, execute: false, projection: "answer" } as const;
  for await (const event of engine.answer(request, signal)) {
    if (event.kind === "result") return event.result.query;
  }
  throw new Error("the engine ended without a result");
}
