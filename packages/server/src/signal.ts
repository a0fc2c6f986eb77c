/** A promise and the way to settle it (`Promise.withResolvers` is newer than the oldest Node that we run on). */
export interface Signal<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function createSignal<T>(): Signal<T> {
  let resolve: Signal<T>["resolve"] = () => undefined;
  let reject: Signal<T>["reject"] = () => undefined;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
