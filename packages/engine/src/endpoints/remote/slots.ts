import { EngineFailure } from "../../failure.js";

/** A place in the line for one of a bounded number of slots. */
interface Ticket {
  /** 0: it is our turn. */
  position(): number;
  /** Fulfilled when the position has changed; rejected with the signal's reason. */
  changed(signal: AbortSignal): Promise<void>;
  /** Gives the slot back, or leaves the line. */
  [Symbol.dispose](): void;
}

export interface Slots {
  /** Throws `too_many_queries` when the line is full. */
  enqueue(): Ticket;
}

interface Waiter {
  wake: () => void;
}

/** At most `slotCount` work at a time; at most `maxWaitingCount` wait, first come, first served. */
export function createSlots(slotCount: number, maxWaitingCount: number): Slots {
  const line: Waiter[] = [];

  return {
    enqueue() {
      if (line.length >= slotCount + maxWaitingCount) {
        throw new EngineFailure(
          "too_many_queries",
          `${slotCount} queries run at this endpoint and ${maxWaitingCount} wait; ask again later.`,
        );
      }
      const waiter: Waiter = { wake: () => undefined };
      line.push(waiter);
      return {
        position: () => Math.max(0, line.indexOf(waiter) - slotCount + 1),
        changed: (signal) => wakeUp(waiter, signal),
        [Symbol.dispose]() {
          const index = line.indexOf(waiter);
          if (index === -1) return;
          line.splice(index, 1);
          for (const behind of line.slice(Math.max(index, slotCount - 1))) behind.wake();
        },
      };
    },
  };
}

function wakeUp(waiter: Waiter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    waiter.wake = () => {
      signal.removeEventListener("abort", abort);
      resolve();
    };
  });
}
