import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";

type CancelReason = "requested" | "disconnected" | "shutdown";

/** A query in progress: an id that somebody asked under. */
export interface Run {
  readonly id: string;
  /** Within which the id is unique: a user of sockets, a room, or an HTTP client. */
  readonly scope: RunScope;
  /** `null`: nobody said so. */
  readonly userId: string | null;
  /** Wall clock. */
  readonly startedAtMs: number;
  /** Aborted when somebody cancels; `cancelReason` then says why. */
  readonly signal: AbortSignal;
  readonly cancelReason: CancelReason | null;
  /** The first reason stands. Does nothing after the end. */
  cancel(reason: CancelReason): void;
  /** Frees nothing but the work: the id stays taken for five minutes. */
  end(): void;
}

export type RunScope = `user:${string}` | `room:${string}` | `http:${string}`;

/** Queries in progress and, for a while, the ids of those that ended. */
export interface Runs {
  /** Throws `duplicate_query` where the scope has (or lately had) a run of this id, and what `admit` throws. */
  begin(scope: RunScope, id: string, userId?: string): Run;
  /** Those in progress, oldest first. */
  active(): Iterable<Run>;
  /** Whether a run of this id has ended; kept in mind for longer than the id is taken. */
  hasEnded(scope: RunScope, id: string): boolean;
  readonly activeCount: number;
  cancelAll(reason: CancelReason): void;
  /** Settles when no run is in progress. */
  idle(): Promise<void>;
}

/** Of a run among all runs, for a `Map` or a store: no two pairs have the same. */
export function runKey(scope: RunScope, id: string): string {
  return JSON.stringify([scope, id]);
}

export function createRuns({
  retentionMs = SERVER_LIMITS.runRetentionMs,
  nowMs = () => performance.now(),
  admit = () => undefined,
}: {
  /** Throws where no new work is taken. Default: it is. */
  readonly admit?: () => void;
  readonly retentionMs?: number;
  readonly nowMs?: () => number;
} = {}): Runs {
  const active = new Map<string, Run>();
  /** Key → when it ended, in the order of the ends. */
  const ended = new Map<string, number>();
  let waiters: (() => void)[] = [];

  const forgetOld = () => {
    const oldestMs = nowMs() - SERVER_LIMITS.endedRunsMemoryMs;
    for (const [key, atMs] of ended) {
      if (atMs > oldestMs && ended.size <= SERVER_LIMITS.endedRunsCount) return;
      ended.delete(key);
    }
  };

  const finish = (key: string) => {
    if (!active.delete(key)) return;
    ended.set(key, nowMs());
    if (active.size > 0) return;
    for (const resolve of waiters) resolve();
    waiters = [];
  };

  return {
    active: () => active.values(),
    begin(scope, id, userId) {
      admit();
      forgetOld();
      const key = runKey(scope, id);
      const endedAtMs = ended.get(key);
      if (active.has(key) || (endedAtMs !== undefined && endedAtMs > nowMs() - retentionMs)) {
        throw new ProtocolFailure(
          "duplicate_query",
          `There is a query "${id}" already. Each needs an id of its own, for five minutes beyond its end.`,
        );
      }
      const run = createRun({ scope, id, userId: userId ?? null }, () => finish(key));
      ended.delete(key);
      active.set(key, run);
      return run;
    },
    hasEnded: (scope, id) => ended.has(runKey(scope, id)),
    get activeCount() {
      return active.size;
    },
    cancelAll(reason) {
      for (const run of active.values()) run.cancel(reason);
    },
    idle() {
      if (active.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
  };
}

function createRun(named: Pick<Run, "scope" | "id" | "userId">, onEnd: () => void): Run {
  const abort = new AbortController();
  let cancelReason: CancelReason | null = null;
  let over = false;
  return {
    ...named,
    startedAtMs: Date.now(),
    signal: abort.signal,
    get cancelReason() {
      return cancelReason;
    },
    cancel(reason) {
      if (cancelReason !== null || over) return;
      cancelReason = reason;
      abort.abort();
    },
    end() {
      over = true;
      onEnd();
    },
  };
}
