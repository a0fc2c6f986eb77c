import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { FastifyRequest } from "fastify";

/** A request of the SPARQL 1.1 Protocol, section 2.1. */
export interface SparqlRequest {
  /** `null`: the service description is wanted (SPARQL 1.1 Service Description, section 2). */
  readonly query: string | null;
  /** Our own parameter: which endpoint is asked. */
  readonly endpointId?: string;
}

const FORM = "application/x-www-form-urlencoded";
const QUERY = "application/sparql-query";
const UPDATE = "application/sparql-update";

/** The media types of bodies that are taken. */
export const SPARQL_BODY_TYPES = { form: FORM, query: QUERY, update: UPDATE } as const;

type Parameters = ReadonlyMap<string, readonly string[]>;

/** Throws `bad_request`, `read_only` and `graph_forbidden` where it is not a query that is answered here. */
export function readSparqlRequest(request: FastifyRequest): SparqlRequest {
  const inAddress = parametersOf(request.query);
  const contentType = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (request.method !== "POST") return requestOf(inAddress, single(inAddress, "query"));
  if (contentType === UPDATE) throw updateRefused();
  if (contentType === QUERY) {
    if (inAddress.has("query")) {
      throw new ProtocolFailure("bad_request", "The query stands in the body and in the address; give one.");
    }
    return requestOf(inAddress, String(request.body));
  }
  const inBody = parametersOf(request.body);
  const parameters = merge(inAddress, inBody);
  const query = single(parameters, "query");
  if (query === undefined && !parameters.has("update")) {
    throw new ProtocolFailure("bad_request", "The form has no `query`.");
  }
  return requestOf(parameters, query);
}

function requestOf(parameters: Parameters, query: string | undefined): SparqlRequest {
  if (parameters.has("update")) throw updateRefused();
  for (const name of ["default-graph-uri", "named-graph-uri"]) {
    if (parameters.has(name)) {
      throw new ProtocolFailure(
        "graph_forbidden",
        `${name} is not supported: the dataset of the endpoint is asked. Use FROM or GRAPH in the query.`,
      );
    }
  }
  if (query !== undefined && query.length > WIRE_LIMITS.maxQueryCharacters) {
    throw new ProtocolFailure(
      "bad_request",
      `The query has ${query.length} characters; at most ${WIRE_LIMITS.maxQueryCharacters} are read.`,
    );
  }
  if (query !== undefined && query.trim() === "") {
    throw new ProtocolFailure("bad_request", "The query is empty.");
  }
  const endpointId = single(parameters, "endpoint");
  return { query: query ?? null, ...(endpointId === undefined ? {} : { endpointId }) };
}

function single(parameters: Parameters, name: string): string | undefined {
  const values = parameters.get(name) ?? [];
  if (values.length > 1)
    throw new ProtocolFailure("bad_request", `\`${name}\` is given ${values.length} times.`);
  return values[0];
}

function parametersOf(value: unknown): Parameters {
  const parameters = new Map<string, readonly string[]>();
  if (typeof value !== "object" || value === null) return parameters;
  for (const [name, given] of Object.entries(value)) {
    parameters.set(name, Array.isArray(given) ? given.map(String) : [String(given)]);
  }
  return parameters;
}

function merge(one: Parameters, other: Parameters): Parameters {
  const merged = new Map(one);
  for (const [name, values] of other) merged.set(name, [...(merged.get(name) ?? []), ...values]);
  return merged;
}

function updateRefused(): ProtocolFailure {
  return new ProtocolFailure("read_only", "Updates are not taken: this service answers queries only.");
}
