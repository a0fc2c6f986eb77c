import { EngineFailure } from "./failure.js";

/**
 * A value that is made at the first call and kept; when the making fails the next call tries again.
 * Callers may stop waiting (their signal) without stopping the making, which others wait for too.
 */
export interface Lazy<T> {
  get(signal: AbortSignal): Promise<T>;
  /** The value, or `undefined` where it was not made yet. */
  peek(): T | undefined;
}

export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let pending: Promise<T> | undefined;
  let value: T | undefined;
  return {
    peek: () => value,
    async get(signal) {
      if (signal.aborted) throw cancelled();
      pending ??= make().then(
        (made) => {
          value = made;
          return made;
        },
        (error: unknown) => {
          pending = undefined;
          throw error;
        },
      );
      return await unlessAborted(pending, signal);
    },
  };
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = deferredRejection();
  const onAbort = () => reject(cancelled());
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function deferredRejection(): { readonly promise: Promise<never>; reject(reason: unknown): void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  return { promise, reject };
}

function cancelled(): EngineFailure {
  return new EngineFailure("query_cancelled", "The query was cancelled.");
}
