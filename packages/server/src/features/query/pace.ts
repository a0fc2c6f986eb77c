import { EngineFailure } from "@sparql-live/engine";
import { createSignal } from "../../signal.js";
import type { Appetite } from "./watcher.js";

/** The pace of an execution: that of the fastest of those who watch. */
export interface Pace {
  /**
   * Settles when somebody takes rows, with how many. Throws `query_timeout` when nobody has credit for too long, and
   * `query_cancelled` when `signal` is aborted.
   */
  next(signal: AbortSignal): Promise<number>;
  /** The appetite may have changed. */
  wake(): void;
}

export interface PaceOptions {
  readonly appetite: () => Appetite;
  readonly maxCreditGapMs: number;
  readonly maxPausedMs: number;
  readonly nowMs?: () => number;
}

export function createPace({
  appetite,
  maxCreditGapMs,
  maxPausedMs,
  nowMs = () => performance.now(),
}: PaceOptions): Pace {
  let pausedMs = 0;
  /** Since when nobody had credit, although somebody was there. */
  let gapSinceMs: number | null = null;
  let wake: () => void = () => undefined;

  /** Milliseconds for which it may be waited yet. */
  const patienceMs = (waitsFor: Appetite): number => {
    gapSinceMs = waitsFor === "credit" ? (gapSinceMs ?? nowMs()) : null;
    if (waitsFor === "behind") return Number.POSITIVE_INFINITY;
    const leftMs = maxPausedMs - pausedMs;
    return gapSinceMs === null ? leftMs : Math.min(leftMs, gapSinceMs + maxCreditGapMs - nowMs());
  };

  const wait = async (waitsFor: Appetite, signal: AbortSignal) => {
    const boundMs = patienceMs(waitsFor);
    if (boundMs <= 0) throw withoutCredit(maxPausedMs - pausedMs <= 0, { maxCreditGapMs, maxPausedMs });
    const sinceMs = nowMs();
    const changed = createSignal<void>();
    wake = changed.resolve;
    signal.addEventListener("abort", wake);
    const timer = Number.isFinite(boundMs) ? setTimeout(wake, boundMs) : undefined;
    await changed.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
    wake = () => undefined;
    if (waitsFor !== "behind") pausedMs += nowMs() - sinceMs;
  };

  return {
    async next(signal) {
      for (;;) {
        if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
        const wanted = appetite();
        if (typeof wanted === "number") {
          gapSinceMs = null;
          return wanted;
        }
        await wait(wanted, signal);
      }
    },
    wake: () => wake(),
  };
}

/** The greatest of several: who takes most, else who is nearest to taking any. */
export function greatestAppetite(appetites: Iterable<Appetite>): Appetite {
  let greatest: Appetite = "away";
  for (const appetite of appetites) if (rankOf(appetite) > rankOf(greatest)) greatest = appetite;
  return greatest;
}

function rankOf(appetite: Appetite): number {
  switch (appetite) {
    case "away":
      return -3;
    case "credit":
      return -2;
    case "behind":
      return -1;
    default:
      return appetite;
  }
}

function withoutCredit(
  inAll: boolean,
  { maxCreditGapMs, maxPausedMs }: Pick<PaceOptions, "maxCreditGapMs" | "maxPausedMs">,
): EngineFailure {
  return new EngineFailure(
    "query_timeout",
    inAll
      ? `The query waited ${maxPausedMs / 1_000} s in all for credit. Grant rows with query_credit as they are read.`
      : `No credit came for ${maxCreditGapMs / 1_000} s. Grant rows with query_credit as they are read.`,
  );
}
