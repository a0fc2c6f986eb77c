import {
  type Binding,
  EngineFailure,
  type ExecuteOptions,
  type Executor,
  type PreparedQuery,
} from "@sparql-live/engine";

/** A small graph with what makes formats differ: languages, datatypes, blank nodes, escapes, characters of all planes. */
export const DATA = `
<http://example.org/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://example.org/Thing> .
<http://example.org/a> <http://example.org/label> "Stra\\u00DFe \\U0001F600 \\"quoted\\"\\nnext line"@de .
<http://example.org/a> <http://example.org/size> "42"^^<http://www.w3.org/2001/XMLSchema#integer> .
<http://example.org/a> <http://example.org/part> _:inner .
_:inner <http://example.org/name> "plain" .
${Array.from({ length: 300 }, (_, n) => `<http://example.org/n${n}> <http://example.org/value> "${n}"^^<http://www.w3.org/2001/XMLSchema#integer> .`).join("\n")}
`;

export function prepared(
  form: PreparedQuery["form"],
  text: string,
  variables: readonly string[] | null = null,
): PreparedQuery {
  return { text, form, variables, windowable: false };
}

export function options(changes: Partial<ExecuteOptions> = {}): ExecuteOptions {
  return {
    maxRows: 10_000,
    maxBytes: 10_000_000,
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** What came of a query. */
export async function resultOf(
  executor: Executor,
  query: PreparedQuery,
  changes: Partial<ExecuteOptions> = {},
) {
  const rows: Binding[] = [];
  let variables: readonly string[] | undefined;
  let boolean: boolean | undefined;
  let completeness: unknown;
  for await (const event of executor.execute(query, options(changes))) {
    if (event.kind === "rows") rows.push(...event.rows);
    else if (event.kind === "head") variables = event.variables;
    else if (event.kind === "boolean") boolean = event.value;
    else if (event.kind === "end") completeness = event.completeness;
  }
  return { variables, rows, boolean, completeness };
}

export async function failureOf(result: Promise<unknown>): Promise<EngineFailure> {
  try {
    await result;
  } catch (error) {
    if (error instanceof EngineFailure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
