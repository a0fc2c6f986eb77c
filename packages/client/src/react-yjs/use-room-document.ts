import { useCallback } from "react";
import type { SharedClient } from "../react/shared-client.js";
import type { CollaborationOptions } from "../react/use-collaboration-room.js";
import { useReadable } from "../react/use-readable.js";
import { NO_DOCUMENT, type RoomDocumentView, roomDocumentOf } from "./room-document.js";

/**
 * The document of a room, which is entered for it; `options` are as in `useCollaborationRoom`. All components with it
 * share one doc, which ends with the last of them.
 */
export function useRoomDocument(
  roomId: string,
  { invite, secret }: CollaborationOptions = {},
): RoomDocumentView {
  const storeOf = useCallback(
    (shared: SharedClient) => roomDocumentOf(shared, roomId, { invite, secret }),
    [roomId, invite, secret],
  );
  return useReadable(storeOf, NO_DOCUMENT);
}
