import type { Signals } from "@sparql-live/client";

/** Says what a test wants of the network. */
export function switchedSignals(): Signals & { say(signal: "offline" | "back"): void } {
  const listeners = new Set<(signal: "offline" | "back") => void>();
  let isOffline = false;
  return {
    isOffline: () => isOffline,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    say(signal) {
      isOffline = signal === "offline";
      for (const listener of listeners) listener(signal);
    },
  };
}
