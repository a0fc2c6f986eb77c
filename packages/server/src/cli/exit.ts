/** How the command ends; the README documents these. */
export const EXIT = { answered: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Thrown for a call that cannot be taken; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * A signal that Ctrl-C (or SIGTERM) aborts: work stops cleanly and the command exits with 130. A second Ctrl-C
 * ends the process at once, for when the clean way hangs.
 */
export function interruptSignal(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return {
    signal: controller.signal,
    release() {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}
