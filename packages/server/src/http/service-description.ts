import { type Binding, type Endpoint, type Engine, EngineFailure } from "@sparql-live/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { negotiate } from "./accept.js";
import { baseOf } from "./base.js";
import { disconnectSignal } from "./disconnect.js";
import { representationsOf, writeDocument } from "./documents.js";
import { documented } from "./operation.js";
import type { OpenedAnswer } from "./sparql-answer.js";
import {
  blank,
  createTriples,
  DCTERMS,
  integer,
  iri,
  SD,
  type TripleBuilder,
  TYPE,
  text,
  VOID,
} from "./triples.js";

const FORMATS = "http://www.w3.org/ns/formats/";
const RESULT_FORMATS = [
  "SPARQL_Results_JSON",
  "SPARQL_Results_XML",
  "SPARQL_Results_CSV",
  "SPARQL_Results_TSV",
  "Turtle",
  "N-Triples",
];

/** The service description of `/sparql` (SPARQL 1.1 Service Description): what it speaks, and its datasets. */
export function sendServiceDescription(
  request: FastifyRequest,
  reply: FastifyReply,
  engine: Engine,
): Promise<FastifyReply> {
  const base = baseOf(request).origin;
  const triples = createTriples();
  const service = iri(`${base}/sparql`);
  triples.add(service, TYPE, iri(`${SD}Service`));
  triples.add(service, `${SD}endpoint`, service);
  triples.add(service, `${SD}supportedLanguage`, iri(`${SD}SPARQL11Query`));
  for (const format of RESULT_FORMATS) triples.add(service, `${SD}resultFormat`, iri(FORMATS + format));
  const [first] = engine.endpoints.list();
  if (first !== undefined) {
    const dataset = blank("dataset");
    const graph = blank("graph");
    triples.add(service, `${SD}defaultDataset`, dataset);
    triples.add(dataset, TYPE, iri(`${SD}Dataset`));
    triples.add(dataset, `${DCTERMS}title`, text(first.entry.title));
    triples.add(dataset, `${SD}defaultGraph`, graph);
    triples.add(graph, TYPE, iri(`${SD}Graph`));
  }
  return sendTriples(request, reply, triples);
}

/** `/.well-known/void?endpoint=`: what an endpoint holds, in terms of VoID, as far as its profile knows. */
export function mountVoid(app: FastifyInstance, engine: Engine): void {
  const options = documented(
    {
      operationId: "describeDataset",
      summary: "What an endpoint holds, in terms of VoID",
      description: "Without `endpoint` the first.",
      tag: "questions",
      querystring: Type.Object({ endpoint: Type.Optional(Type.String()) }),
      responses: {
        200: {
          description: "The description.",
          content: { "text/turtle": Type.String(), "application/n-triples": Type.String() },
        },
      },
      problems: [400, 404, 406, 502, 503, 504],
    },
    {},
  );
  app.get("/.well-known/void", options, async (request, reply) => {
    const { endpoint: id } = request.query as { endpoint?: unknown };
    const endpoint = typeof id === "string" ? engine.endpoints.get(id) : engine.endpoints.list()[0];
    if (endpoint === undefined)
      throw new EngineFailure("endpoint_not_found", `There is no endpoint "${id}".`);
    const profile = await endpoint.profile(disconnectSignal(reply));
    return sendTriples(request, reply, describeDataset(endpoint, profile, baseOf(request).origin));
  });
}

type Profile = Awaited<ReturnType<Endpoint["profile"]>>;

function describeDataset(endpoint: Endpoint, profile: Profile, base: string): TripleBuilder {
  const { entry } = endpoint;
  const triples = createTriples();
  const dataset = iri(`${base}/.well-known/void#${entry.id}`);
  triples.add(dataset, TYPE, iri(`${VOID}Dataset`));
  triples.add(dataset, `${DCTERMS}title`, text(entry.title));
  if (entry.description !== undefined) triples.add(dataset, `${DCTERMS}description`, text(entry.description));
  triples.add(dataset, `${VOID}sparqlEndpoint`, iri(`${base}/sparql?endpoint=${entry.id}`));
  if (profile.tripleCount !== null) triples.add(dataset, `${VOID}triples`, integer(profile.tripleCount));
  triples.add(dataset, `${VOID}classes`, integer(profile.classes.length));
  triples.add(dataset, `${VOID}properties`, integer(profile.properties.length));
  profile.classes.forEach(({ iri: name, count }, index) => {
    const partition = blank(`class${index}`);
    triples.add(dataset, `${VOID}classPartition`, partition);
    triples.add(partition, `${VOID}class`, iri(name));
    triples.add(partition, `${VOID}entities`, integer(count));
  });
  profile.properties.forEach((property, index) => {
    const partition = blank(`property${index}`);
    triples.add(dataset, `${VOID}propertyPartition`, partition);
    triples.add(partition, `${VOID}property`, iri(property.iri));
    triples.add(partition, `${VOID}triples`, integer(property.count));
    triples.add(partition, `${VOID}distinctSubjects`, integer(property.distinctSubjects));
    triples.add(partition, `${VOID}distinctObjects`, integer(property.distinctObjects));
  });
  return triples;
}

async function sendTriples(
  request: FastifyRequest,
  reply: FastifyReply,
  { rows }: TripleBuilder,
): Promise<FastifyReply> {
  const { format, contentType } = negotiate(request, representationsOf("construct"));
  let body = "";
  for await (const part of writeDocument(format, "construct", documentOf(rows))) body += part;
  return reply.headers({ vary: "accept", "content-type": contentType }).send(body);
}

function documentOf(triples: readonly Binding[]): OpenedAnswer {
  async function* rows() {
    yield triples;
  }
  return { variables: [], boolean: undefined, rows: rows(), result: () => null };
}
