import { EngineFailure, LIMITS } from "@sparql-live/engine";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";

/** The rows that a watcher is ready to take. */
export interface Credit {
  grant(rows: number): void;
  /**
   * Takes at least one and at most `maxRows`; waits while there is none. Throws `query_timeout` when nothing is
   * granted for too long, and `query_cancelled` when `signal` is aborted.
   */
  take(maxRows: number, signal: AbortSignal): Promise<number>;
}

export function createCredit({
  rows,
  maxGapMs = SERVER_LIMITS.maxCreditGapMs,
  maxPausedMs = LIMITS.maxPausedMs,
}: {
  readonly rows: number;
  readonly maxGapMs?: number;
  readonly maxPausedMs?: number;
}): Credit {
  let available = rows;
  let pausedMs = 0;
  let wake: (() => void) | null = null;

  const wait = async (signal: AbortSignal) => {
    const since = performance.now();
    const boundMs = Math.min(maxGapMs, maxPausedMs - pausedMs);
    const { promise, resolve } = withResolvers<"granted" | "aborted" | "late">();
    wake = () => resolve("granted");
    const onAbort = () => resolve("aborted");
    signal.addEventListener("abort", onAbort);
    const timer = setTimeout(() => resolve("late"), Math.max(0, boundMs));
    const outcome = await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    wake = null;
    pausedMs += performance.now() - since;
    if (outcome === "aborted") throw new EngineFailure("query_cancelled", "The query was cancelled.");
    if (outcome === "late") {
      throw new EngineFailure(
        "query_timeout",
        boundMs < maxGapMs
          ? `The query waited ${maxPausedMs / 1_000} s in all for credit. Grant rows with query_credit as they are read.`
          : `No credit came for ${maxGapMs / 1_000} s. Grant rows with query_credit as they are read.`,
      );
    }
  };

  return {
    grant(more) {
      available = Math.min(available + more, WIRE_LIMITS.maxCreditRows);
      wake?.();
    },
    async take(maxRows, signal) {
      while (available === 0) {
        if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
        await wait(signal);
      }
      const taken = Math.min(available, maxRows);
      available -= taken;
      return taken;
    },
  };
}

/** `Promise.withResolvers` is newer than the oldest Node that we run on. */
function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
