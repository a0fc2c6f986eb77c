/** For one answer at a time. */
interface Deadline {
  /** From now on; takes the place of the one before. */
  await(): void;
  came(): void;
}

/**
 * Calls `late` once where an answer has not come in time. What has arrived while this thread itself stood still is
 * read first: that is not late.
 */
export function createDeadline(timeoutMs: number, late: () => void): Deadline {
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  const came = () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
  return {
    await() {
      came();
      timer = setTimeout(() => {
        turn = setImmediate(late);
      }, timeoutMs);
    },
    came,
  };
}
