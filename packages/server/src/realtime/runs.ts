import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";

type CancelReason = "requested" | "disconnected" | "shutdown";

/** A query in progress. */
export interface Run {
  readonly id: string;
  /** Whose it is: a user of sockets, or an HTTP client. */
  readonly owner: string;
  readonly startedAtMs: number;
  /** Aborted when somebody cancels; `cancelReason` then says why. */
  readonly signal: AbortSignal;
  readonly cancelReason: CancelReason | null;
  /** The first reason stands. Does nothing after the end. */
  cancel(reason: CancelReason): void;
  /** Rows that the watcher may be sent, for a streamed query. */
  grant(rows: number): void;
  onGrant(listener: (rows: number) => void): void;
  /** Frees nothing but the work: the id stays taken for five minutes. */
  end(): void;
}

/** Queries in progress and, for a while, the ids of those that ended. */
export interface Runs {
  /** Throws `duplicate_query` where the owner has (or lately had) a run of this id. */
  begin(owner: string, id: string): Run;
  /** One that is in progress. */
  find(owner: string, id: string): Run | undefined;
  readonly activeCount: number;
  cancelAll(reason: CancelReason): void;
  /** Settles when no run is in progress. */
  idle(): Promise<void>;
}

interface Ended {
  readonly owner: string;
  readonly id: string;
  readonly atMs: number;
}

export function createRuns({
  retentionMs = SERVER_LIMITS.runRetentionMs,
  nowMs = () => performance.now(),
}: {
  readonly retentionMs?: number;
  readonly nowMs?: () => number;
} = {}): Runs {
  /** Owner → id → the run, or `null` where only its id is kept. */
  const owners = new Map<string, Map<string, Run | null>>();
  const active = new Set<Run>();
  /** In the order of their ends. */
  const ended = new Set<Ended>();
  let waiters: (() => void)[] = [];

  const forgetOld = () => {
    const oldest = nowMs() - retentionMs;
    for (const first of ended) {
      if (first.atMs > oldest && ended.size <= SERVER_LIMITS.retainedRunsCount) return;
      ended.delete(first);
      const ids = owners.get(first.owner);
      ids?.delete(first.id);
      if (ids?.size === 0) owners.delete(first.owner);
    }
  };

  const finish = (run: Run) => {
    if (!active.delete(run)) return;
    owners.get(run.owner)?.set(run.id, null);
    ended.add({ owner: run.owner, id: run.id, atMs: nowMs() });
    if (active.size > 0) return;
    for (const resolve of waiters) resolve();
    waiters = [];
  };

  return {
    begin(owner, id) {
      forgetOld();
      const ids = owners.get(owner) ?? new Map<string, Run | null>();
      if (ids.has(id)) {
        throw new ProtocolFailure(
          "duplicate_query",
          `There is a query "${id}" already. Each needs an id of its own, for five minutes beyond its end.`,
        );
      }
      const run = createRun(owner, id, nowMs(), finish);
      ids.set(id, run);
      owners.set(owner, ids);
      active.add(run);
      return run;
    },
    find: (owner, id) => owners.get(owner)?.get(id) ?? undefined,
    get activeCount() {
      return active.size;
    },
    cancelAll(reason) {
      for (const run of active) run.cancel(reason);
    },
    idle() {
      if (active.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
  };
}

function createRun(owner: string, id: string, startedAtMs: number, onEnd: (run: Run) => void): Run {
  const abort = new AbortController();
  const listeners = new Set<(rows: number) => void>();
  let cancelReason: CancelReason | null = null;
  const run: Run = {
    id,
    owner,
    startedAtMs,
    signal: abort.signal,
    get cancelReason() {
      return cancelReason;
    },
    cancel(reason) {
      if (cancelReason !== null) return;
      cancelReason = reason;
      abort.abort();
    },
    grant(rows) {
      for (const listener of listeners) listener(rows);
    },
    onGrant(listener) {
      listeners.add(listener);
    },
    end() {
      listeners.clear();
      onEnd(run);
    },
  };
  return run;
}
