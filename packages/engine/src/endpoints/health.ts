import type { EndpointHealth, HealthState } from "../endpoint.js";
import { toEngineFailure } from "../failure.js";

/** A probe that takes longer than this makes its endpoint `degraded`, though it answers. */
const SLOW_PROBE_MS = 5_000;
/** Failures in a row after which a `degraded` endpoint counts as `unreachable`. */
const FAILURES_TO_UNREACHABLE = 2;
const PROBE_TIMEOUT_MS = 10_000;
/** Intervals vary by this share either way, so that many servers do not ask one endpoint in step. */
const JITTER = 0.2;

export type ProbeOutcome =
  | { readonly kind: "answered"; readonly latencyMs: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "loading"; readonly message: string };

export const UNKNOWN_HEALTH: EndpointHealth = {
  state: "unknown",
  latencyMs: null,
  checkedAt: null,
  consecutiveFailures: 0,
};

/** The health after an outcome: a pure step, so that every way through the states can be tested. */
export function nextHealth(before: EndpointHealth, outcome: ProbeOutcome, at: Date): EndpointHealth {
  const checkedAt = at.toISOString();
  switch (outcome.kind) {
    case "loading":
      return {
        state: "loading",
        latencyMs: null,
        checkedAt,
        message: outcome.message,
        consecutiveFailures: 0,
      };
    case "answered": {
      const slow = outcome.latencyMs > SLOW_PROBE_MS;
      const latencyMs = Math.round(outcome.latencyMs * 10) / 10;
      return {
        state: slow ? "degraded" : "healthy",
        latencyMs,
        checkedAt,
        ...(slow ? { message: `answers, but took ${Math.round(latencyMs)} ms` } : {}),
        consecutiveFailures: 0,
      };
    }
    case "failed": {
      const consecutiveFailures = before.consecutiveFailures + 1;
      const answeredBefore = before.state === "healthy" || before.state === "degraded";
      const state: HealthState =
        answeredBefore && consecutiveFailures < FAILURES_TO_UNREACHABLE ? "degraded" : "unreachable";
      return {
        state,
        latencyMs: before.latencyMs,
        checkedAt,
        message: outcome.message,
        consecutiveFailures,
      };
    }
  }
}

export interface HealthMonitorOptions {
  /** One cheap request; settles when it was answered, throws when not. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  /** Before jitter. */
  readonly intervalMs: number;
  /** Called when the state or its message changes, not for a new latency alone. */
  readonly onChange: (health: EndpointHealth) => void;
  /** 0 to 1; injected for tests of the jitter. */
  readonly random?: () => number;
}

export interface HealthMonitor {
  health(): EndpointHealth;
  /** Tells what was learnt otherwise: data being loaded, or a query that was answered. */
  note(outcome: ProbeOutcome): void;
  /** Probes now and settles with the health that follows. */
  check(): Promise<EndpointHealth>;
  /** Begins probing at jittered intervals; the first comes within a tenth of one. */
  start(): void;
  close(): void;
}

export function createHealthMonitor({
  probe,
  intervalMs,
  onChange,
  random = Math.random,
}: HealthMonitorOptions): HealthMonitor {
  let current = UNKNOWN_HEALTH;
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  const note = (outcome: ProbeOutcome) => {
    const before = current;
    current = nextHealth(before, outcome, new Date());
    if (before.state !== current.state || before.message !== current.message) onChange(current);
  };
  const check = async () => {
    const startedAt = performance.now();
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    try {
      await probe(signal);
      note({ kind: "answered", latencyMs: performance.now() - startedAt });
    } catch (error) {
      if (closing.signal.aborted) return current;
      const message = signal.aborted
        ? `no answer within ${PROBE_TIMEOUT_MS} ms`
        : toEngineFailure(error).message;
      note({ kind: "failed", message });
    }
    return current;
  };
  const schedule = (delayMs: number) => {
    timer = setTimeout(() => {
      check().finally(() => {
        if (!closing.signal.aborted) schedule(intervalMs * (1 + JITTER * (2 * random() - 1)));
      });
    }, delayMs);
    timer.unref();
  };
  return {
    health: () => current,
    note,
    check,
    start: () => {
      if (timer === undefined && !closing.signal.aborted) schedule(intervalMs * 0.1 * random());
    },
    close: () => {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
