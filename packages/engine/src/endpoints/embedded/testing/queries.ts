import type { ExecuteOptions, ExecutionEvent, PreparedQuery } from "../../../executor.js";
import type { Binding } from "../../../rdf.js";
import { createEmbeddedExecutor, type EmbeddedExecutor, type EmbeddedOptions } from "../executor.js";

const NEVER = new AbortController().signal;

/** Runs for hours: every triple with every other one, thrice. */
export const ENDLESS: PreparedQuery = {
  text: "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
  form: "select",
  variables: ["n"],
  windowable: false,
};

export function select(text: string, windowable = false): PreparedQuery {
  return { text, form: "select", variables: null, windowable };
}

export function limits(changes: Partial<ExecuteOptions> = {}): ExecuteOptions {
  return { maxRows: 10_000, maxBytes: 10_000_000, timeoutMs: 60_000, signal: NEVER, ...changes };
}

/** `count` triples `<http://e/s…> <http://e/p> "…"`, as N-Triples. */
export function numbered(count: number): string {
  let text = "";
  for (let n = 0; n < count; n += 1) text += `<http://e/s${n}> <http://e/p> "value ${n}" .\n`;
  return text;
}

/** An executor over N-Triples in memory, closed at the end of its scope. */
export async function startExecutor(
  text: string,
  options: Omit<EmbeddedOptions, "sources"> = {},
): Promise<EmbeddedExecutor & AsyncDisposable> {
  const sources = [{ name: "test data", text, format: "application/n-triples" } as const];
  const executor = createEmbeddedExecutor({ workers: 1, spares: 0, ...options, sources });
  await executor.ready;
  return {
    ready: executor.ready,
    stats: executor.stats,
    execute: executor.execute,
    close: executor.close,
    [Symbol.asyncDispose]: executor.close,
  };
}

export async function collect(events: AsyncIterable<ExecutionEvent>): Promise<readonly ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function rowsOf(events: readonly ExecutionEvent[]): readonly Binding[] {
  return events.flatMap((event) => (event.kind === "rows" ? event.rows : []));
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
