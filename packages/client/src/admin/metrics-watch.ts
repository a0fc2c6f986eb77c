import type { MetricsSnapshot } from "@sparql-live/protocol/admin";
import { SparqlLiveError } from "../errors.js";
import { callSafely } from "../store.js";
import type { Actions } from "./actions.js";
import { ADMIN_CLIENT_LIMITS } from "./limits.js";

export interface WatchMetricsOptions {
  /** Whole milliseconds between two of them, 250 to 60,000. Default 1,000. Who watches beside may make them come more often. */
  readonly intervalMs?: number | undefined;
  /** Nothing comes any more: the server refused it, or the connection is over. */
  readonly onError?: ((error: SparqlLiveError) => void) | undefined;
}

/** All who watch share the one feed that a socket has, at the shortest of their intervals. */
export interface MetricsWatch {
  /** Returns the way to stop. */
  add(listener: (metrics: MetricsSnapshot) => void, options: WatchMetricsOptions): () => void;
  tell(metrics: MetricsSnapshot): void;
  /** There is a connection (again). */
  ready(): void;
  lost(): void;
  /** `null`: who watches has ended it. */
  end(error: SparqlLiveError | null): void;
}

interface Watcher {
  readonly intervalMs: number;
  readonly listener: (metrics: MetricsSnapshot) => void;
  readonly onError: (error: SparqlLiveError) => void;
}

export function createMetricsWatch(perform: Actions["perform"], isUp: () => boolean): MetricsWatch {
  const watchers = new Set<Watcher>();
  /** What the server was asked for on this socket; `null`: for nothing. */
  let askedMs: number | null = null;

  const drop = (dropped: Iterable<Watcher>, error: SparqlLiveError) => {
    for (const watcher of [...dropped]) {
      if (watchers.delete(watcher)) callSafely(watcher.onError, error);
    }
  };

  const follow = () => {
    if (!isUp()) return;
    const wantedMs = watchers.size === 0 ? null : Math.min(...Array.from(watchers, intervalOf));
    if (wantedMs === askedMs) return;
    askedMs = wantedMs;
    const asked =
      wantedMs === null
        ? perform("unsubscribe_metrics", {})
        : perform("subscribe_metrics", { interval_ms: wantedMs });
    asked.catch((error: SparqlLiveError) => {
      // Lost: it is asked for again with the next connection. At the end all are told.
      if (error.code === "connection_closed" || wantedMs === null || askedMs !== wantedMs) return;
      askedMs = null;
      drop(
        [...watchers].filter(({ intervalMs }) => intervalMs === wantedMs),
        error,
      );
      follow();
    });
  };

  return {
    add(listener, { intervalMs = ADMIN_CLIENT_LIMITS.metricsIntervalMs, onError = () => undefined }) {
      const { minMetricsIntervalMs: min, maxMetricsIntervalMs: max } = ADMIN_CLIENT_LIMITS;
      if (!Number.isInteger(intervalMs) || intervalMs < min || intervalMs > max) {
        const text = `The interval of the metrics is ${min} to ${max} whole milliseconds, not ${intervalMs}.`;
        throw new SparqlLiveError("bad_request", text);
      }
      if (watchers.size >= ADMIN_CLIENT_LIMITS.watchersCount) {
        throw new SparqlLiveError("outbox_full", "Too many watch the metrics of this client.");
      }
      const watcher: Watcher = { intervalMs, listener, onError };
      watchers.add(watcher);
      follow();
      return () => {
        if (watchers.delete(watcher)) follow();
      };
    },
    tell(metrics) {
      for (const watcher of [...watchers]) if (watchers.has(watcher)) callSafely(watcher.listener, metrics);
    },
    ready: follow,
    lost() {
      askedMs = null;
    },
    end(error) {
      if (error === null) watchers.clear();
      else drop(watchers, error);
    },
  };
}

function intervalOf({ intervalMs }: Watcher): number {
  return intervalMs;
}
