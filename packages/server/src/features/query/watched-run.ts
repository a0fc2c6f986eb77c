import type { Logger } from "pino";
import type { Connection } from "../../realtime/connection.js";
import type { SharedMessage } from "../../realtime/shared-message.js";
import type { RunBounds } from "./bounds.js";
import type { LogEntry } from "./event-log.js";
import { greatestAppetite } from "./pace.js";
import type { PacedSends } from "./paced-sends.js";
import { type RunView, tooOld } from "./run-view.js";
import { type Appetite, createWatcher, type Watcher, type Watching } from "./watcher.js";

/** How somebody begins to watch; what is not said is as in the request. */
export interface Attaching extends Partial<Watching> {
  /** The last chunk seen; -1: none. Absent: everything is sent from the start. */
  readonly since?: number;
}

/** A run with those who watch it, each connection once. */
export interface WatchedRun {
  readonly key: string;
  readonly view: RunView;
  readonly defaults: Watching;
  readonly watchersCount: number;
  watcherOf(connection: Connection): Watcher | undefined;
  /**
   * Takes the place of a watcher of the same connection. Nothing is sent before it is started. Throws
   * `query_expired` where what it would need is not kept any more, `bad_request`.
   */
  attach(connection: Connection, attaching?: Attaching): Watcher;
  /** For who does not watch: a watcher that takes no rows and hears of what comes, up to the end. */
  attachToEnd(connection: Connection): Watcher;
  /** Something happened in the run. */
  wake(): void;
  appetite(): Appetite;
  /** Told when the appetite may have changed. */
  onAppetite: () => void;
  /** Ends it for everybody with this terminal event, whatever they have not got yet. */
  finish(entry: LogEntry): void;
  /** Lets its log go. Who still watches is told that it has expired. */
  discard(): void;
}

export interface WatchedRunOptions {
  readonly key: string;
  readonly view: RunView;
  readonly defaults: Watching;
  readonly sends: PacedSends;
  readonly bounds: Pick<RunBounds, "watcherGraceMs" | "maxCreditGapMs">;
  readonly log: Logger;
  readonly onWatching: (connection: Connection) => void;
  readonly onLeft: (connection: Connection) => void;
}

export function createWatchedRun(options: WatchedRunOptions): WatchedRun {
  const { key, view, defaults, sends, bounds, log } = options;
  const watchers = new Map<Connection, Watcher>();

  const put = (
    connection: Connection,
    { stream, credit }: Watching,
    from: { readonly at: number; readonly current: SharedMessage | null },
  ): Watcher => {
    const watcher: Watcher = createWatcher({
      view,
      connection,
      stream,
      credit,
      from,
      sends,
      graceMs: bounds.watcherGraceMs,
      maxCreditGapMs: bounds.maxCreditGapMs,
      onReady: () => run.onAppetite(),
      onOver() {
        if (watchers.get(connection) !== watcher) return;
        watchers.delete(connection);
        options.onLeft(connection);
        run.onAppetite();
      },
      onFault: (error) => log.error({ err: error, query_id: view.queryId }, "a run could not be sent"),
    });
    const before = watchers.get(connection);
    watchers.set(connection, watcher);
    before?.stop();
    options.onWatching(connection);
    return watcher;
  };

  const run: WatchedRun = {
    key,
    view,
    defaults,
    get watchersCount() {
      return watchers.size;
    },
    watcherOf: (connection) => watchers.get(connection),
    attach(connection, { since, stream = defaults.stream, credit = defaults.credit } = {}) {
      // Who wants everything in one piece wants also what was there before.
      if (!view.isWhole && (since === undefined || !stream)) throw tooOld(view.queryId);
      const from = since === undefined ? { at: view.start, current: null } : view.placeAfter(since);
      return put(connection, { stream, credit }, from);
    },
    attachToEnd: (connection) =>
      put(connection, { stream: true, credit: 0 }, { at: view.end, current: null }),
    wake() {
      for (const watcher of watchers.values()) watcher.wake();
    },
    appetite: () => greatestAppetite([...watchers.values()].map((watcher) => watcher.appetite())),
    onAppetite: () => undefined,
    finish(entry) {
      for (const watcher of [...watchers.values()]) watcher.finish(entry);
    },
    discard() {
      view.discard();
      for (const watcher of [...watchers.values()]) watcher.fail(tooOld(view.queryId));
    },
  };
  return run;
}
