import { EngineFailure } from "../failure.js";
import type { TermProvider, TermQuery, TermSuggestion } from "../term-provider.js";

export interface FallbackOptions {
  /** Default: the first provider's. */
  readonly id?: string;
  /** How long one look-up waits for the first provider. Default 1 500. */
  readonly deadlineMs?: number;
  /** How long a failed provider is left alone; doubled with each failed trial, up to `maxRestMs`. Default 5 000. */
  readonly restMs?: number;
  /** Default 60 000. */
  readonly maxRestMs?: number;
}

/** What is known of the first provider. `trying`: one look-up finds out whether it is back, the others do not wait. */
type Circuit =
  | { readonly state: "closed" }
  | { readonly state: "open"; readonly untilMs: number; readonly restMs: number }
  | { readonly state: "trying"; readonly restMs: number };

/**
 * Asks the first provider, and the second where the first fails or is late. A first provider that failed is left alone
 * for a while, so that typing waits for a dead service once and not at every key; then one look-up tries it again.
 * A look-up that its caller cancels says nothing of the provider.
 *
 * `find` throws what the second provider throws, or `query_cancelled`. Closing closes both.
 */
export function withFallback(
  first: TermProvider,
  second: TermProvider,
  { id = first.id, deadlineMs = 1_500, restMs = 5_000, maxRestMs = 60_000 }: FallbackOptions = {},
): TermProvider {
  let circuit: Circuit = { state: "closed" };

  const mayAsk = (): boolean => {
    if (circuit.state === "trying") return false;
    if (circuit.state === "open") {
      if (performance.now() < circuit.untilMs) return false;
      circuit = { state: "trying", restMs: circuit.restMs };
    }
    return true;
  };
  const recordFailure = () => {
    // Look-ups that were under way when the circuit opened do not lengthen the rest.
    if (circuit.state === "open") return;
    const nextRestMs = circuit.state === "trying" ? Math.min(circuit.restMs * 2, maxRestMs) : restMs;
    circuit = { state: "open", untilMs: performance.now() + nextRestMs, restMs: nextRestMs };
  };
  const recordCancellation = () => {
    if (circuit.state === "trying") circuit = { state: "open", untilMs: 0, restMs: circuit.restMs };
  };
  return {
    id,
    async find(query) {
      if (!mayAsk()) return await second.find(query);
      try {
        const found = await findInTime(first, query, deadlineMs);
        circuit = { state: "closed" };
        return found;
      } catch (error) {
        if (query.signal.aborted) {
          recordCancellation();
          throw cancelled();
        }
        // A question that no provider could answer is not the provider's fault.
        if (error instanceof EngineFailure && error.code === "bad_request") {
          recordCancellation();
          throw error;
        }
        recordFailure();
        return await second.find(query);
      }
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}

/** Also holds a provider to its time that does not heed its signal. */
async function findInTime(
  provider: TermProvider,
  query: TermQuery,
  deadlineMs: number,
): Promise<readonly TermSuggestion[]> {
  const deadline = new AbortController();
  const cancel = () => deadline.abort(cancelled());
  if (query.signal.aborted) cancel();
  query.signal.addEventListener("abort", cancel, { once: true });
  const timer = setTimeout(() => {
    deadline.abort(
      new EngineFailure("upstream_timeout", `${provider.id} did not answer within ${deadlineMs} ms.`),
    );
  }, deadlineMs);
  const stopped = new Promise<never>((_resolve, reject) => {
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
  });
  try {
    deadline.signal.throwIfAborted();
    return await Promise.race([provider.find({ ...query, signal: deadline.signal }), stopped]);
  } finally {
    clearTimeout(timer);
    query.signal.removeEventListener("abort", cancel);
  }
}

function cancelled(): EngineFailure {
  return new EngineFailure("query_cancelled", "The look-up was cancelled.");
}
