import { callSafely } from "./store.js";

/** Listeners by the name of an event; `Events` gives the arguments of each. */
export interface Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  /** Returns the way to stop. */
  on<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): () => void;
  off<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): void;
  once<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): () => void;
  emit<N extends keyof Events>(name: N, ...args: Events[N]): void;
}

type Listener = (...args: never) => void;

interface Held {
  readonly listener: Listener;
  readonly isOnce: boolean;
}

export function createEmitter<Events extends Record<keyof Events, readonly unknown[]>>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<Held>>();
  /** What happens in a listener is told when all have heard of what came before. */
  const untold: (() => void)[] = [];
  const add = (name: keyof Events, listener: Listener, isOnce: boolean) => {
    if (typeof listener !== "function") throw new TypeError("A listener has to be a function.");
    const named = listeners.get(name) ?? new Set();
    const held = { listener, isOnce };
    listeners.set(name, named.add(held));
    return () => void named.delete(held);
  };
  return {
    on: (name, listener) => add(name, listener, false),
    once: (name, listener) => add(name, listener, true),
    off(name, listener) {
      const named = listeners.get(name);
      for (const held of named ?? []) if (held.listener === listener) named?.delete(held);
    },
    emit(name, ...args) {
      const tell = () => {
        const named = listeners.get(name);
        for (const held of [...(named ?? [])]) {
          if (held.isOnce) named?.delete(held);
          // It stands under the name whose arguments it takes.
          callSafely(held.listener as (...args: unknown[]) => void, ...args);
        }
      };
      if (untold.push(tell) > 1) return;
      for (const next of untold) next();
      untold.length = 0;
    },
  };
}
