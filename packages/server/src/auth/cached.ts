/** Something that is loaded when it is needed, and kept. */
export interface Cached<T> {
  /** Loads where nothing that is fresh enough is there. Throws what loading throws. */
  get(): Promise<T>;
  /** Loads anew, unless that was done within the cooldown: then `null`. */
  renew(): Promise<T | null>;
}

export interface CacheOptions<T> {
  readonly load: () => Promise<T>;
  readonly maxAgeMs: number;
  /** How long something older is used while it cannot be loaded. */
  readonly maxStaleMs: number;
  /** Between two loads that somebody asked for with `renew`. */
  readonly cooldownMs: number;
  /** After a load that failed, before the next: in between it fails at once. */
  readonly retryMs: number;
}

/** Many who ask at once load once. Clocks are monotonic. */
export function createCached<T>({
  load,
  maxAgeMs,
  maxStaleMs,
  cooldownMs,
  retryMs,
}: CacheOptions<T>): Cached<T> {
  let kept: { readonly value: T; readonly atMs: number } | null = null;
  let failed: { readonly error: unknown; readonly atMs: number } | null = null;
  let loading: Promise<T> | null = null;

  const loadOnce = (): Promise<T> => {
    if (failed !== null && performance.now() - failed.atMs < retryMs) return Promise.reject(failed.error);
    loading ??= load()
      .then(
        (value) => {
          kept = { value, atMs: performance.now() };
          failed = null;
          return value;
        },
        (error: unknown) => {
          failed = { error, atMs: performance.now() };
          throw error;
        },
      )
      .finally(() => {
        loading = null;
      });
    return loading;
  };

  return {
    async get() {
      const ageMs = kept === null ? Number.POSITIVE_INFINITY : performance.now() - kept.atMs;
      if (kept !== null && ageMs < maxAgeMs) return kept.value;
      try {
        return await loadOnce();
      } catch (error) {
        if (kept !== null && ageMs < maxStaleMs) return kept.value;
        throw error;
      }
    },
    async renew() {
      if (kept !== null && performance.now() - kept.atMs < cooldownMs) return null;
      return loadOnce();
    },
  };
}
