/**
 * A stop-watch for time spent working, with an alarm: pauses (nobody pulls rows) do not count against the
 * query's timeout. Monotonic; one timer at a time.
 */
export interface WorkingClock {
  /** Milliseconds worked so far. */
  elapsedMs(): number;
  start(): void;
  pause(): void;
  /** Ends the clock; the alarm will not sound any more. */
  [Symbol.dispose](): void;
}

export function createWorkingClock(budgetMs: number, onAlarm: () => void): WorkingClock {
  let workedMs = 0;
  let startedAt: number | null = null;
  let timer: NodeJS.Timeout | undefined;

  const pause = () => {
    if (startedAt === null) return;
    workedMs += performance.now() - startedAt;
    startedAt = null;
    clearTimeout(timer);
  };
  return {
    elapsedMs: () => workedMs + (startedAt === null ? 0 : performance.now() - startedAt),
    start() {
      if (startedAt !== null) return;
      startedAt = performance.now();
      timer = setTimeout(onAlarm, Math.max(0, budgetMs - workedMs));
    },
    pause,
    [Symbol.dispose]: pause,
  };
}
