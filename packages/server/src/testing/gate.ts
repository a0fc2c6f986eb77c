import { createSignal } from "../signal.js";

/** Holds up who comes to it until it is opened. */
export interface Gate {
  /** Somebody stands before it. */
  readonly reached: Promise<void>;
  pass(): Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  const reached = createSignal<void>();
  const opened = createSignal<void>();
  return {
    reached: reached.promise,
    pass() {
      reached.resolve();
      return opened.promise;
    },
    open: () => opened.resolve(),
  };
}
