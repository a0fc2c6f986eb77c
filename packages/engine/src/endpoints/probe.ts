import type { ExecuteOptions, ExecutionEvent, Executor, PreparedQuery } from "../executor.js";
import { EngineFailure, type EngineFailureCode } from "../failure.js";
import type { HealthMonitor } from "./health.js";

/** The cheapest thing that a SPARQL endpoint can be asked: it holds for every graph. */
const PROBE: PreparedQuery = { text: "ASK {}", form: "ask", variables: [], windowable: false };
const PROBE_TIMEOUT_MS = 10_000;

/** Settles when the endpoint answered; throws `EngineFailure` when not. */
export async function probe(executor: Executor, signal: AbortSignal): Promise<void> {
  const events = executor.execute(PROBE, {
    maxRows: 1,
    maxBytes: 1_024,
    timeoutMs: PROBE_TIMEOUT_MS,
    signal,
  });
  for await (const event of events) {
    if (event.kind === "boolean") return;
  }
  throw new EngineFailure("upstream_bad_response", "The endpoint did not answer an ASK with a boolean.");
}

/** What tells that the endpoint itself is in trouble, and not the query. */
const TROUBLE: ReadonlySet<EngineFailureCode> = new Set([
  "endpoint_unavailable",
  "endpoint_forbidden",
  "address_forbidden",
  "upstream_bad_response",
]);

/** The same executor; what its queries meet is noted as health, so that a probe is not the only witness. */
export function observeHealth(executor: Executor, monitor: HealthMonitor): Executor {
  return {
    close: () => executor.close(),
    execute: (query, options) => observed(executor, monitor, query, options),
  };
}

async function* observed(
  executor: Executor,
  monitor: HealthMonitor,
  query: PreparedQuery,
  options: ExecuteOptions,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  const startedAt = performance.now();
  try {
    for await (const event of executor.execute(query, options)) {
      const answers = event.kind === "head" || event.kind === "boolean";
      // A query's own work says nothing of the endpoint's latency once that is known to be well.
      if (answers && monitor.health().state !== "healthy") {
        monitor.note({ kind: "answered", latencyMs: performance.now() - startedAt });
      }
      yield event;
    }
  } catch (error) {
    if (error instanceof EngineFailure && TROUBLE.has(error.code)) {
      monitor.note({ kind: "failed", message: error.message });
    }
    throw error;
  }
}
