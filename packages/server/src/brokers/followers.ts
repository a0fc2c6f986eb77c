/** Those who are told of what happens to one thing, in the order in which it happens. */
export interface Followers<A extends readonly unknown[]> {
  /** Returns the way to stop; afterwards the listener is not called again. */
  add(listener: (...args: A) => void): () => void;
  /** Tells everybody who follows now. From within a listener: after all were told of what is being told. */
  tell(...args: A): void;
  readonly count: number;
}

interface Follower<A extends readonly unknown[]> {
  readonly listener: (...args: A) => void;
  active: boolean;
}

/** `onFault` is told what a listener throws; the others are told all the same. */
export function createFollowers<A extends readonly unknown[]>(
  onFault: (error: unknown) => void,
): Followers<A> {
  // Replaced, never changed: whoever is being told keeps the list as it was.
  let followers: readonly Follower<A>[] = [];
  const waiting: { readonly args: A; readonly to: readonly Follower<A>[] }[] = [];
  let telling = false;

  const tellEach = (args: A, to: readonly Follower<A>[]) => {
    for (const follower of to) {
      if (!follower.active) continue;
      try {
        follower.listener(...args);
      } catch (error) {
        onFault(error);
      }
    }
  };

  return {
    add(listener) {
      const follower = { listener, active: true };
      followers = [...followers, follower];
      return () => {
        follower.active = false;
        followers = followers.filter((other) => other !== follower);
      };
    },
    tell(...args) {
      if (followers.length === 0) return;
      if (telling) {
        waiting.push({ args, to: followers });
        return;
      }
      telling = true;
      tellEach(args, followers);
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        tellEach(next.args, next.to);
      }
      telling = false;
    },
    get count() {
      return followers.length;
    },
  };
}

/** Tells a fault where nobody else wants to know. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
