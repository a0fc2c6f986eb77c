import { createRequire } from "node:module";
import type * as Oxigraph from "oxigraph";
import type { ExecuteOptions, ExecutionEvent, Executor, PreparedQuery } from "../executor.js";
import { EngineFailure } from "../failure.js";
import type { Binding } from "../rdf.js";

const { Store } = createRequire(import.meta.url)("oxigraph") as typeof Oxigraph;

const ROWS_PER_EVENT = 1_000;

interface SelectResults {
  readonly head: { readonly vars?: readonly string[] };
  readonly results: { readonly bindings: readonly Binding[] };
}

export interface MemoryExecutor extends Executor {
  /** The texts of all queries that were executed, in their order. */
  readonly asked: string[];
  /** What was wrong with queries that the store refused; the engine's own queries must leave this empty. */
  readonly refused: string[];
  /** Called before each query; what it throws is the query's failure, what it awaits delays it. */
  beforeEach: (query: PreparedQuery, options: ExecuteOptions) => void | Promise<void>;
}

/**
 * An executor over an in-memory store in this thread: real queries on real data without worker threads. A query
 * blocks the thread until it is done, so it is for tests on small graphs; only SELECT is answered.
 */
export function createMemoryExecutor(data: string, format = "text/turtle"): MemoryExecutor {
  const store = new Store();
  store.load(data, { format, no_transaction: true });
  const executor: MemoryExecutor = {
    asked: [],
    refused: [],
    beforeEach: () => undefined,
    async *execute(query, options): AsyncGenerator<ExecutionEvent, void, undefined> {
      if (options.signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
      executor.asked.push(query.text);
      await executor.beforeEach(query, options);
      if (options.signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
      yield { kind: "started" };
      const { head, results } = select(store, query.text, executor.refused);
      yield { kind: "head", variables: head.vars ?? [] };
      const rows = results.bindings.slice(0, options.maxRows);
      for (let at = 0; at < rows.length; at += ROWS_PER_EVENT) {
        yield { kind: "rows", rows: rows.slice(at, at + ROWS_PER_EVENT) };
      }
      const cut = rows.length < results.bindings.length;
      yield {
        kind: "end",
        completeness: cut ? { status: "truncated", reason: "row_limit" } : { status: "complete" },
      };
    },
    close: async () => undefined,
  };
  return executor;
}

function select(store: Oxigraph.Store, text: string, refused: string[]): SelectResults {
  try {
    return JSON.parse(store.query(text, { results_format: "json" }) as string) as SelectResults;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    refused.push(`${message}: ${text}`);
    throw new EngineFailure("bad_query", message);
  }
}
