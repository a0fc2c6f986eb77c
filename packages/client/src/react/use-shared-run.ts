import { useCallback } from "react";
import type { ReadableStore } from "../store.js";
import { NO_QUERY, type QueryView } from "./query-store.js";
import type { SharedClient } from "./shared-client.js";
import { AWAITED_RUN, sharedRunOf } from "./shared-run.js";
import type { CollaborationOptions } from "./use-collaboration-room.js";
import { useReadable } from "./use-readable.js";

const NOTHING: ReadableStore<QueryView> = { getSnapshot: () => NO_QUERY, subscribe: () => () => undefined };

/**
 * A query that somebody asked in the room, from its start, also when it is over: `queryId` is that of one of the `runs`
 * of `useCollaborationRoom`, `null` for none. The room is entered for it; `options` are as there. Nothing that is done
 * here ends the query. One that a hook of the same page asked comes when it is over.
 */
export function useSharedRun(
  roomId: string,
  queryId: string | null,
  { invite, secret }: CollaborationOptions = {},
): QueryView {
  const storeOf = useCallback(
    ({ client }: SharedClient) =>
      queryId === null ? NOTHING : sharedRunOf(client, roomId, queryId, { invite, secret }),
    [roomId, queryId, invite, secret],
  );
  return useReadable(storeOf, queryId === null ? NO_QUERY : AWAITED_RUN);
}
