/** A value that changes, in the shape that `useSyncExternalStore` of React and its like take. */
export interface ReadableStore<T> {
  /** The same object until it changes. */
  getSnapshot(): T;
  /** Returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

export interface Store<T> extends ReadableStore<T> {
  set(value: T): void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = createListeners();
  return {
    getSnapshot: () => value,
    subscribe: listeners.add,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      listeners.tell();
    },
  };
}

/** A list that grows at its end and keeps its newest items. It is copied when somebody looks, not when it grows. */
export function createTail<T>(maxCount: number): ReadableStore<readonly T[]> & { push(item: T): void } {
  const items: T[] = [];
  let snapshot: readonly T[] | null = null;
  const listeners = createListeners();
  return {
    getSnapshot() {
      snapshot ??= [...items];
      return snapshot;
    },
    subscribe: listeners.add,
    push(item) {
      if (items.push(item) > maxCount) items.shift();
      snapshot = null;
      listeners.tell();
    },
  };
}

function createListeners() {
  const listeners = new Set<() => void>();
  return {
    add(listener: () => void) {
      const own = () => callSafely(listener);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    tell() {
      for (const listener of [...listeners]) listener();
    },
  };
}

/** A listener that throws disturbs nobody else: its error is reported as one that nobody caught. */
export function callSafely<A extends readonly unknown[]>(listener: (...args: A) => void, ...args: A): void {
  try {
    listener(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
