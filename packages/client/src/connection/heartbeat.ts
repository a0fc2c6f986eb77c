import { startTimer } from "../timers.js";
/** Watches whether anything comes. A silent cut is noticed within the interval and the timeout together. */
export interface Heartbeat {
  start(intervalMs: number): void;
  /** Something came. */
  heard(): void;
  /** Asks at once, because there is reason to doubt. */
  probe(): void;
  stop(): void;
}

export interface HeartbeatOptions {
  readonly timeoutMs: number;
  readonly ping: () => void;
  /** Nothing came in time. */
  readonly onSilence: () => void;
}

export function createHeartbeat({ timeoutMs, ping, onSilence }: HeartbeatOptions): Heartbeat {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let intervalMs = 0;
  let isAsking = false;

  const wait = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = startTimer(then, ms);
  };
  const ask = () => {
    isAsking = true;
    const dueMs = Date.now() + timeoutMs;
    ping();
    wait(timeoutMs, () => {
      // The machine slept, or the page was frozen: the peer had no time to answer.
      if (Date.now() > dueMs + timeoutMs) ask();
      else onSilence();
    });
  };

  return {
    start(everyMs) {
      intervalMs = everyMs;
      isAsking = false;
      wait(intervalMs, ask);
    },
    heard() {
      if (timer === undefined) return;
      isAsking = false;
      wait(intervalMs, ask);
    },
    probe() {
      if (timer !== undefined && !isAsking) ask();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
