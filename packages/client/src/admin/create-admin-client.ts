import type { AdminAction, AdminPayload, MetricsSnapshot } from "@sparql-live/protocol/admin";
import type { ConnectionState } from "../connection/state.js";
import { closedError, SparqlLiveError } from "../errors.js";
import type { ReadableStore } from "../store.js";
import type { WaitOptions } from "../waiting.js";
import { type AdminResult, createActions } from "./actions.js";
import { createAdminConnection } from "./connect.js";
import { createMetricsWatch, type WatchMetricsOptions } from "./metrics-watch.js";
import type { AdminClientOptions } from "./options.js";

type Ask<A extends AdminAction> = (options?: WaitOptions) => Promise<AdminResult<A>>;
type AskAbout<A extends AdminAction> = (
  about: AdminPayload<A>,
  options?: WaitOptions,
) => Promise<AdminResult<A>>;
type MayAskAbout<A extends AdminAction> = (
  about?: AdminPayload<A>,
  options?: WaitOptions,
) => Promise<AdminResult<A>>;

/**
 * What an admin may do on a server. The first action connects. Promises reject with a `SparqlLiveError`: what the server
 * answered, `timeout` (after 30 s where nobody says otherwise), `aborted`, `outbox_full` above 100 actions that wait, or
 * `connection_closed` when the connection is over, or was lost under an action that changes something.
 */
export interface AdminClient {
  /** Where the connection is in its life. */
  readonly state: ReadableStore<ConnectionState>;
  readonly getMetrics: Ask<"get_metrics">;
  /** A page of at most 10,000; 1,000 where nobody says otherwise. */
  readonly listConnections: MayAskAbout<"list_connections">;
  /** A page of at most 500, private rooms too; 100 where nobody says otherwise. */
  readonly listRooms: MayAskAbout<"list_rooms">;
  readonly listQueries: Ask<"list_queries">;
  /** Every query of this id that fits. Rejects with `query_not_found`. */
  readonly cancelQuery: AskAbout<"cancel_query">;
  /** At most 10,000 characters, to everybody. */
  readonly broadcast: AskAbout<"broadcast">;
  /** Either a connection or all of a user; `bad_request` otherwise. */
  readonly disconnect: AskAbout<"disconnect">;
  /** Rejects with `room_not_found`. */
  readonly deleteRoom: AskAbout<"delete_room">;
  /** Rejects with `feature_unavailable` where there is no engine. */
  readonly endpoints: Ask<"endpoints">;
  readonly experiments: Ask<"experiments">;
  /** Days as `YYYY-MM-DD` (UTC), both included; the last thirty where none are named. */
  readonly analytics: MayAskAbout<"analytics">;
  /** Ends the server in good order. Settles when it has begun. */
  readonly drain: Ask<"drain">;
  /** Goes on after each reconnection. Returns the way to stop. Throws `connection_closed`, `outbox_full`, `bad_request`. */
  watchMetrics(listener: (metrics: MetricsSnapshot) => void, options?: WatchMetricsOptions): () => void;
  /** Ends the connection for good, with 1000; whatever waits rejects with `connection_closed`. */
  close(): void;
}

/** Throws a `TypeError` where the address is none. */
export function createAdminClient(options: AdminClientOptions): AdminClient {
  let over: SparqlLiveError | null = null;
  const connection = createAdminConnection(options, options.key ?? options.token, {
    onReady() {
      actions.flush();
      watch.ready();
    },
    onMessage(message) {
      if (!actions.take(message) && message.type === "metrics") watch.tell(message.payload);
    },
    onLost() {
      actions.lost();
      watch.lost();
    },
    onEnded(close, isRefused) {
      const isUnexplained = close.code === 1006 && close.reason === "";
      over = isRefused && isUnexplained ? refusedError(options.url) : closedError(close);
      actions.rejectAll(over);
      watch.end(over);
    },
  });
  const actions = createActions(
    (action, payload, id) => connection.send({ type: action, message_id: id, payload }),
    () => over,
  );
  const watch = createMetricsWatch(actions.perform, () => connection.isUp);
  const begin = () => {
    if (connection.state.getSnapshot().kind === "idle") connection.connect();
  };
  const perform: typeof actions.perform = (action, payload, wait) => {
    if (wait?.signal?.aborted !== true) begin();
    return actions.perform(action, payload, wait);
  };
  return {
    state: connection.state,
    getMetrics: (wait) => perform("get_metrics", {}, wait),
    listConnections: (page = {}, wait) => perform("list_connections", page, wait),
    listRooms: (page = {}, wait) => perform("list_rooms", page, wait),
    listQueries: (wait) => perform("list_queries", {}, wait),
    cancelQuery: (named, wait) => perform("cancel_query", named, wait),
    broadcast: (said, wait) => perform("broadcast", said, wait),
    disconnect: (named, wait) => perform("disconnect", named, wait),
    deleteRoom: (named, wait) => perform("delete_room", named, wait),
    endpoints: (wait) => perform("endpoints", {}, wait),
    experiments: (wait) => perform("experiments", {}, wait),
    analytics: (range = {}, wait) => perform("analytics", range, wait),
    drain: (wait) => perform("drain", {}, wait),
    watchMetrics(listener, watchOptions = {}) {
      if (over !== null) throw over;
      begin();
      return watch.add(listener, watchOptions);
    },
    close() {
      watch.end(null);
      connection.disconnect();
    },
  };
}

/** The server does not tell why: to everybody else there is nothing at this path. */
function refusedError(url: string): SparqlLiveError {
  const text = `Nobody was let in at ${url}: the key is wrong, the server has none set, or is not there.`;
  return new SparqlLiveError("connection_closed", text, { detail: "refused" });
}
