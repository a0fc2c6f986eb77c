import type { ServerResponse } from "node:http";
import type { ExecuteOptions, ExecutionEvent, Executor, PreparedQuery } from "../../../executor.js";
import { EngineFailure } from "../../../failure.js";
import type { Binding } from "../../../rdf.js";

export const SELECT: PreparedQuery = {
  text: "SELECT ?n WHERE { ?s ?p ?n }",
  form: "select",
  variables: ["n"],
  windowable: false,
};
export const SELECT_ALL: PreparedQuery = { ...SELECT, text: "SELECT * WHERE { ?s ?p ?n }", variables: null };
export const ASK: PreparedQuery = { text: "ASK {}", form: "ask", variables: [], windowable: false };
export const CONSTRUCT: PreparedQuery = {
  text: "CONSTRUCT WHERE { ?s ?p ?o }",
  form: "construct",
  variables: null,
  windowable: false,
};

export function executeOptions(options: Partial<ExecuteOptions> = {}): ExecuteOptions {
  return {
    maxRows: 10_000,
    maxBytes: 10 * 1024 * 1024,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...options,
  };
}

export interface Outcome {
  readonly variables: readonly string[] | undefined;
  readonly rows: readonly Binding[];
  readonly boolean: boolean | undefined;
  readonly completeness: unknown;
  readonly failure: EngineFailure | undefined;
}

/** Runs a query to its end and returns what was delivered, and how it ended. */
export async function run(
  executor: Executor,
  query: PreparedQuery,
  options: Partial<ExecuteOptions> = {},
): Promise<Outcome> {
  const events: ExecutionEvent[] = [];
  let failure: EngineFailure | undefined;
  try {
    for await (const event of executor.execute(query, executeOptions(options))) events.push(event);
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    failure = error;
  }
  return {
    variables: events.find((event) => event.kind === "head")?.variables,
    rows: events.flatMap((event) => (event.kind === "rows" ? event.rows : [])),
    boolean: events.find((event) => event.kind === "boolean")?.value,
    completeness: events.find((event) => event.kind === "end")?.completeness,
    failure,
  };
}

export function numberRow(value: number): string {
  return `{"n":{"type":"literal","value":"${value}"}}`;
}

/** A result of rows `{n: 0}`, `{n: 1}` … */
export function numbersDocument(rowCount: number): string {
  const rows = Array.from({ length: rowCount }, (_, value) => numberRow(value));
  return `{"head":{"vars":["n"]},"results":{"bindings":[${rows.join(",")}]}}`;
}

/** The beginning of a result, up to its first row. */
export const HEAD = '{"head":{"vars":["n"]},"results":{"bindings":[';

/** About 64 KiB of rows, each with its comma in front; the first chunk of a document needs a row before it. */
const MANY_ROWS = `,${numberRow(12_345)}`.repeat(1_600);

/** Sends rows without end, as fast as they are taken; returns how many bytes were handed over so far. */
export function sendForever(response: ServerResponse): () => number {
  let byteCount = 0;
  const more = () => {
    while (!response.destroyed) {
      byteCount += MANY_ROWS.length;
      if (!response.write(MANY_ROWS)) return;
    }
  };
  response.writeHead(200, { "content-type": "application/sparql-results+json" });
  response.write(HEAD + numberRow(0));
  response.on("drain", more);
  more();
  return () => byteCount;
}
