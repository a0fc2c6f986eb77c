import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";

/** 0: no limit. */
export interface PressureLimits {
  /** How late the event loop may come. */
  readonly maxEventLoopDelayMs: number;
  /** Used bytes of the heap of the main thread. */
  readonly maxHeapBytes: number;
  /** Of the whole process. */
  readonly maxRssBytes: number;
}

export interface PressureSample {
  readonly eventLoopDelayMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** Whether the process has more to do than it can. */
export interface Pressure {
  readonly isOverloaded: boolean;
  close(): void;
}

/** `streak`: samples in a row that speak for the other side. */
interface PressureState {
  readonly kind: "relaxed" | "overloaded";
  readonly streak: number;
}

export const RELAXED: PressureState = { kind: "relaxed", streak: 0 };

/**
 * One late sample is no overload (a collection of garbage, a machine that was asleep), and a server is over it only
 * well below the limits and for a while: else it would let in, at the limit, what it must refuse in the next moment.
 */
export function nextPressure(
  { kind, streak }: PressureState,
  sample: PressureSample,
  limits: PressureLimits,
): PressureState {
  const { overloadSamplesCount, reliefSamplesCount, reliefRatio } = SERVER_LIMITS;
  if (kind === "relaxed") {
    if (!exceeds(sample, limits, 1)) return RELAXED;
    return streak + 1 < overloadSamplesCount
      ? { kind, streak: streak + 1 }
      : { kind: "overloaded", streak: 0 };
  }
  if (exceeds(sample, limits, reliefRatio)) return { kind, streak: 0 };
  return streak + 1 < reliefSamplesCount ? { kind, streak: streak + 1 } : RELAXED;
}

function exceeds(sample: PressureSample, limits: PressureLimits, ratio: number): boolean {
  const { maxEventLoopDelayMs, maxHeapBytes, maxRssBytes } = limits;
  return (
    isAbove(sample.eventLoopDelayMs, maxEventLoopDelayMs * ratio) ||
    isAbove(sample.heapBytes, maxHeapBytes * ratio) ||
    isAbove(sample.rssBytes, maxRssBytes * ratio)
  );
}

function isAbove(value: number, limit: number): boolean {
  return limit > 0 && value > limit;
}

/** Looks four times a second; without any limit, never. */
export function watchPressure(limits: PressureLimits, log: Logger): Pressure {
  let state = RELAXED;
  let lookedAtMs = performance.now();
  const look = () => {
    const nowMs = performance.now();
    const eventLoopDelayMs = Math.max(0, nowMs - lookedAtMs - SERVER_LIMITS.pressureSampleMs);
    lookedAtMs = nowMs;
    const { heapUsed: heapBytes, rss: rssBytes } = process.memoryUsage();
    const sample = { eventLoopDelayMs, heapBytes, rssBytes };
    const next = nextPressure(state, sample, limits);
    if (next.kind !== state.kind) {
      if (next.kind === "overloaded") log.warn(sample, "overloaded: new connections and queries are refused");
      else log.info(sample, "no longer overloaded");
    }
    state = next;
  };
  const isWatching = Object.values(limits).some((limit) => limit > 0);
  const timer = isWatching ? setInterval(look, SERVER_LIMITS.pressureSampleMs) : undefined;
  timer?.unref();
  return {
    get isOverloaded() {
      return state.kind === "overloaded";
    },
    close() {
      clearInterval(timer);
      state = RELAXED;
    },
  };
}
