const LONGEST_MS = 2 ** 31 - 1;

/** `setTimeout` that does not fire at once where the time is longer than timers count (25 days), as `Infinity` is. */
export function startTimer(then: () => void, delayMs: number): ReturnType<typeof setTimeout> {
  return setTimeout(then, Math.min(delayMs, LONGEST_MS));
}
