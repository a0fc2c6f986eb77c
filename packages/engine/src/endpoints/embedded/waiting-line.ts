import { EngineFailure } from "../../failure.js";

type Turn<T> =
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "granted"; readonly value: T };

/** One waiter's place in the line. */
export interface Place<T> {
  /** The next news: a position that was not told yet (only the newest), or what was waited for. */
  turn(): Promise<Turn<T>>;
  /** Leaves the line; `turn` throws `reason` from now on. */
  leave(reason: EngineFailure): void;
  /** What was granted, whether or not `turn` told it. */
  granted(): T | undefined;
}

/** First come, first served, bounded. */
export interface WaitingLine<T> {
  readonly length: number;
  /** Throws `too_many_queries` where the line is full. */
  join(): Place<T>;
  /** Serves the first, if there is one. */
  grant(value: T): boolean;
  /** Everybody leaves with this reason. */
  dismiss(reason: EngineFailure): void;
}

interface Waiter<T> {
  told: number;
  outcome: { readonly value: T } | { readonly reason: EngineFailure } | undefined;
  wake: () => void;
}

export function createWaitingLine<T>(maxWaiting: number): WaitingLine<T> {
  const waiters: Waiter<T>[] = [];
  const settle = (waiter: Waiter<T>, outcome: Waiter<T>["outcome"]) => {
    waiter.outcome = outcome;
    waiter.wake();
    for (const { wake } of waiters) wake();
  };
  return {
    get length() {
      return waiters.length;
    },
    join() {
      if (waiters.length >= maxWaiting) {
        throw new EngineFailure(
          "too_many_queries",
          `All workers are busy and ${maxWaiting} queries wait already. Try again in a moment.`,
          { retryAfterMs: 1_000 },
        );
      }
      const waiter: Waiter<T> = { told: 0, outcome: undefined, wake: () => undefined };
      waiters.push(waiter);
      return {
        turn: () => nextTurn(waiter, () => waiters.indexOf(waiter) + 1),
        leave(reason) {
          const index = waiters.indexOf(waiter);
          if (index >= 0) waiters.splice(index, 1);
          settle(waiter, { reason });
        },
        granted: () =>
          waiter.outcome !== undefined && "value" in waiter.outcome ? waiter.outcome.value : undefined,
      };
    },
    grant(value) {
      const waiter = waiters.shift();
      if (waiter !== undefined) settle(waiter, { value });
      return waiter !== undefined;
    },
    dismiss(reason) {
      for (const waiter of waiters.splice(0)) settle(waiter, { reason });
    },
  };
}

async function nextTurn<T>(waiter: Waiter<T>, position: () => number): Promise<Turn<T>> {
  for (;;) {
    const { outcome } = waiter;
    if (outcome !== undefined) {
      if ("reason" in outcome) throw outcome.reason;
      return { kind: "granted", value: outcome.value };
    }
    const now = position();
    if (now !== waiter.told) {
      waiter.told = now;
      return { kind: "position", position: now };
    }
    await new Promise<void>((resolve) => {
      waiter.wake = resolve;
    });
  }
}
