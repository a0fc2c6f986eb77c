import type { SPARQLWebSocketClient } from "../client.js";
import type { ReadableStore } from "../store.js";
import { createQueryStore, NO_QUERY, type QueryView } from "./query-store.js";
import { membershipOf } from "./room-store.js";
import { createSharedStores, type OpenedStore } from "./shared-store.js";
import type { CollaborationOptions } from "./use-collaboration-room.js";

export const AWAITED_RUN: QueryView = { ...NO_QUERY, isLoading: true };

const sharedRuns = createSharedStores<QueryView>();

/** A run of a room, watched from its start by however many components. */
export function sharedRunOf(
  client: SPARQLWebSocketClient,
  roomId: string,
  queryId: string,
  options: CollaborationOptions,
): ReadableStore<QueryView> {
  const key = JSON.stringify([roomId, queryId]);
  return sharedRuns(client, key, AWAITED_RUN, () => watchRun(client, roomId, queryId, options));
}

function watchRun(
  client: SPARQLWebSocketClient,
  roomId: string,
  queryId: string,
  options: CollaborationOptions,
): OpenedStore<QueryView> {
  const query = createQueryStore(() => client, AWAITED_RUN);
  const membership = membershipOf(client, roomId);
  let isBegun = false;
  // Runs are there for those alone who are in the room.
  const look = () => {
    const { status, error } = membership.getSnapshot();
    if (status.kind === "joined") {
      if (!isBegun) query.watch(queryId, roomId);
      isBegun = true;
      return;
    }
    const shown = query.getSnapshot();
    // What is there whole stays. The rest begins anew in a room that is entered again.
    if (error === null || shown.result !== null) return;
    if (!isBegun && shown.error !== error) query.fail(error);
    isBegun = false;
  };
  const stop = membership.subscribe(look);
  const leave = membership.retain(options);
  look();
  return {
    getSnapshot: query.getSnapshot,
    subscribe: query.subscribe,
    close() {
      stop();
      query.cancel();
      leave();
    },
  };
}
