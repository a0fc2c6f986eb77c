import { abortedError, abortOf, SparqlLiveError } from "./errors.js";
import { startTimer } from "./timers.js";

export interface WaitOptions {
  /** Gives up waiting: the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** The promise rejects with `timeout` after so many milliseconds; 0: never. */
  readonly timeoutMs?: number | undefined;
}

/** The same promise, but for what the signal and the time say. */
export function withinTime<T>(
  promise: Promise<T>,
  { signal, timeoutMs = 0 }: WaitOptions,
  lateMessage: string,
): Promise<T> {
  if (signal === undefined && timeoutMs === 0) return promise;
  const refused = abortOf(signal);
  if (refused !== null) {
    promise.catch(() => undefined);
    return Promise.reject(refused);
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => signal !== undefined && settle(() => reject(abortedError(signal)));
    const late = () => settle(() => reject(new SparqlLiveError("timeout", lateMessage)));
    const timer = timeoutMs > 0 ? startTimer(late, timeoutMs) : undefined;
    const settle = (how: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      how();
    };
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
    signal?.addEventListener("abort", abort);
  });
}

/** As `Promise.withResolvers`, which Node 20 has not. */
export function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
