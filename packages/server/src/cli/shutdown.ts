import type { DrainOptions } from "../live/drain.js";
import { createSignal } from "../signal.js";
import { EXIT } from "./exit.js";

/** How long a clean end may take; afterwards the process goes all the same. Each step has a bound of its own before. */
const SHUTDOWN_DEADLINE_MS = 29_000;
/** Who presses Ctrl-C waits. */
const INTERRUPTED: DrainOptions = { graceMs: 0, queriesMs: 500 };

interface Shutdown {
  /** Settles with the first signal. */
  readonly asked: Promise<void>;
  /** Closes within the deadline. `close` gets how long to wait for what: as the settings say, or shortly. */
  carryOut(close: (options?: DrainOptions) => Promise<void>): Promise<number>;
}

/** SIGTERM asks for an end as the settings say, SIGINT (Ctrl-C) for a quick one; the second signal ends the process. */
export function listenForShutdown(): Shutdown {
  const asked = createSignal<void>();
  let first: NodeJS.Signals | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    if (first !== null) process.exit(EXIT.interrupted);
    first = signal;
    asked.resolve();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    asked: asked.promise,
    async carryOut(close) {
      const overdue = setTimeout(() => {
        process.stderr.write(`sparql-live: not ended within ${SHUTDOWN_DEADLINE_MS / 1_000} s; leaving\n`);
        process.exit(EXIT.failed);
      }, SHUTDOWN_DEADLINE_MS);
      overdue.unref();
      await (first === "SIGINT" ? close(INTERRUPTED) : close());
      clearTimeout(overdue);
      return EXIT.answered;
    },
  };
}
