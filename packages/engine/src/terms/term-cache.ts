export interface TermCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAtMs: number;
}

/** At most `maxEntries` values, each for `ttlMs`; the one not used for longest makes room. Times are monotonic. */
export function createTermCache<Value>(
  maxEntries: number,
  ttlMs: number,
  now: () => number = () => performance.now(),
): TermCache<Value> {
  // A Map keeps the order of insertion, so the first key is the one not used for longest.
  const entries = new Map<string, Entry<Value>>();

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.expiresAtMs <= now()) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, { value, expiresAtMs: now() + ttlMs });
      const oldest = entries.keys().next();
      if (entries.size > maxEntries && oldest.done !== true) entries.delete(oldest.value);
    },
  };
}
