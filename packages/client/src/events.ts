import { callSafely } from "./store.js";

/** Listeners by the name of an event; `Events` gives the arguments of each. */
export interface Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  /** Returns the way to stop. */
  on<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): () => void;
  off<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): void;
  once<N extends keyof Events>(name: N, listener: (...args: Events[N]) => void): () => void;
  emit<N extends keyof Events>(name: N, ...args: Events[N]): void;
}

export function createEmitter<Events extends Record<keyof Events, readonly unknown[]>>(): Emitter<Events> {
  // By the listener that was given, so that one that is to be called once can be taken away too.
  const listeners = new Map<keyof Events, Map<unknown, (...args: never) => void>>();
  /** What happens in a listener is told when all have heard of what came before. */
  const untold: (() => void)[] = [];
  const add = <N extends keyof Events>(
    name: N,
    given: (...args: Events[N]) => void,
    listener: (...args: Events[N]) => void,
  ) => {
    const named = listeners.get(name) ?? new Map<unknown, (...args: never) => void>();
    listeners.set(name, named);
    named.set(given, listener);
    return () => void named.delete(given);
  };
  const emitter: Emitter<Events> = {
    on: (name, listener) => add(name, listener, listener),
    off: (name, listener) => void listeners.get(name)?.delete(listener),
    once(name, listener) {
      return add(name, listener, (...args) => {
        emitter.off(name, listener);
        listener(...args);
      });
    },
    emit(name, ...args) {
      const tell = () => {
        // Each stands under the name whose arguments it takes.
        for (const listener of [...(listeners.get(name)?.values() ?? [])])
          callSafely(listener as (...args: unknown[]) => void, ...args);
      };
      if (untold.push(tell) > 1) return;
      for (const next of untold) next();
      untold.length = 0;
    },
  };
  return emitter;
}
