import { ProtocolFailure } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { RunRecords } from "../../broker.js";
import type { Connection } from "../../realtime/connection.js";
import { type Run, type RunScope, type Runs, runKey } from "../../realtime/runs.js";
import type { RunBounds } from "./bounds.js";
import { createEndedRuns } from "./ended-runs.js";
import type { PacedSends } from "./paced-sends.js";
import type { Audience } from "./query-rooms.js";
import { encodeRun } from "./run-record.js";
import { createStoredRuns } from "./run-records.js";
import type { RunView } from "./run-view.js";
import { createWatchedRun, type WatchedRun } from "./watched-run.js";
import type { Watching } from "./watcher.js";

/** Who began a run, and what was asked. */
export interface RunOrigin {
  readonly userId: string;
  readonly userName: string;
  readonly text: string;
  readonly kind: "question" | "sparql";
  /** Wall clock. */
  readonly startedAtMs: number;
}

/** What there is of a run only while it is in progress. */
export interface RunInProgress {
  readonly run: Run;
  readonly origin: RunOrigin;
}

export interface KnownRun {
  readonly watched: WatchedRun;
  /** `null` once it is over. */
  work: RunInProgress | null;
  /** The room's, where it is of one and that was seen here. */
  audience: Audience | null;
  /** Members that do not want to watch it: that holds also when they were lost and come back. */
  readonly detached: WeakSet<Connection>;
  /** Ends the listening to who comes and goes; `null` while nobody listens. */
  stopFollowing: (() => void) | null;
}

/** The runs that can be watched: those in progress, and those that are over and still kept. */
export interface RunLibrary {
  add(scope: RunScope, view: RunView, defaults: Watching, work: RunInProgress): KnownRun;
  /** It is over: from now on it is kept for those who missed the end. */
  retire(known: KnownRun, origin: RunOrigin): void;
  get(scope: RunScope, queryId: string): KnownRun | undefined;
  /** As `get`, and what was stored beyond the process. Throws `query_not_found`, `query_expired`, `query_lost`. */
  find(scope: RunScope, queryId: string): Promise<KnownRun>;
  /** Those that a connection watches. */
  watchedBy(connection: Connection): Iterable<KnownRun>;
  /** Settles when what is to be stored is stored. */
  settled(): Promise<void>;
  close(): void;
}

export interface RunLibraryDeps {
  readonly runs: Runs;
  readonly records: RunRecords;
  readonly sends: PacedSends;
  readonly log: Logger;
}

export function createRunLibrary(
  { runs, records, sends, log }: RunLibraryDeps,
  bounds: RunBounds,
): RunLibrary {
  const known = new Map<string, KnownRun>();
  const watching = new WeakMap<Connection, Set<KnownRun>>();
  const stored = createStoredRuns(records, log);
  const encoding = new Set<Promise<void>>();
  const ended = createEndedRuns({
    maxBytes: bounds.maxEndedLogsBytes,
    retentionMs: bounds.retentionMs,
    onDropped(run) {
      if (known.get(run.key)?.watched === run) known.delete(run.key);
      run.discard();
    },
  });

  const stopWhereUnwatched = (entry: KnownRun) => {
    if (entry.work !== null || entry.watched.watchersCount > 0) return;
    entry.stopFollowing?.();
    entry.stopFollowing = null;
  };

  const register = (key: string, view: RunView, defaults: Watching, work: RunInProgress | null): KnownRun => {
    const entry: KnownRun = {
      work,
      audience: null,
      detached: new WeakSet(),
      stopFollowing: null,
      watched: createWatchedRun({
        key,
        view,
        defaults,
        sends,
        bounds,
        log,
        onWatching(connection) {
          const watched = watching.get(connection) ?? new Set();
          watching.set(connection, watched.add(entry));
        },
        onLeft(connection) {
          watching.get(connection)?.delete(entry);
          if (entry.watched.watchersCount === 0) entry.work?.run.cancel("disconnected");
          stopWhereUnwatched(entry);
        },
      }),
    };
    known.set(key, entry);
    return entry;
  };

  const store = async ({ watched }: KnownRun, { startedAtMs }: RunOrigin) => {
    const text = await encodeRun(watched.view, watched.defaults);
    stored.end(watched.key, startedAtMs, text);
    ended.measure(watched);
  };

  return {
    add(scope, view, defaults, work) {
      const key = runKey(scope, view.queryId);
      stored.begin(key, work.origin.startedAtMs);
      return register(key, view, defaults, work);
    },
    retire(entry, origin) {
      entry.work = null;
      stopWhereUnwatched(entry);
      ended.add(entry.watched);
      const encoded = store(entry, origin)
        .catch((error: unknown) => log.error({ err: error }, "a run could not be put away"))
        .finally(() => encoding.delete(encoded));
      encoding.add(encoded);
    },
    get: (scope, queryId) => known.get(runKey(scope, queryId)),
    async find(scope, queryId) {
      const key = runKey(scope, queryId);
      const here = known.get(key);
      if (here !== undefined) return here;
      const restored = await stored.read(key, queryId);
      if (restored === null) throw absent(queryId, runs.hasEnded(scope, queryId));
      // Somebody else may have asked for it at the same time.
      const meanwhile = known.get(key);
      if (meanwhile !== undefined) return meanwhile;
      const entry = register(key, restored.view, restored.defaults, null);
      ended.add(entry.watched);
      return entry;
    },
    watchedBy: (connection) => watching.get(connection) ?? [],
    async settled() {
      await Promise.all(encoding);
      await stored.settled();
    },
    close: () => ended.close(),
  };
}

function absent(queryId: string, hasEnded: boolean): ProtocolFailure {
  if (hasEnded) {
    return new ProtocolFailure(
      "query_expired",
      `The query "${queryId}" is over for longer than it is kept. Send it again under a new id.`,
    );
  }
  return new ProtocolFailure("query_not_found", `There is no query "${queryId}" for you.`);
}
