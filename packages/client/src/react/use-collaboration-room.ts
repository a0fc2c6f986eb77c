import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Acknowledgement, AddOptions } from "../outbox.js";
import type { CursorInput } from "../rooms/room.js";
import type { JoinOptions } from "../rooms/rooms.js";
import { useSharedClient } from "./provider.js";
import { type CollaborationView, membershipOf, NO_ROOM } from "./room-store.js";

export type CollaborationOptions = Pick<JoinOptions, "invite" | "secret">;

export interface CollaborationHandle extends CollaborationView {
  /** Settles when the server has stored it; see `Room.send`. */
  readonly sendMessage: (message: unknown, options?: AddOptions) => Promise<Acknowledgement>;
  /** Holds for 6 s unless it is said again. */
  readonly sendTyping: (isTyping: boolean) => void;
  readonly sendCursor: (cursor: CursorInput) => void;
}

const initial = () => NO_ROOM;

/**
 * A room, entered while any component with it is mounted. `options` are those of whoever gives them first: one component with the invitation or the secret will do. Queries are asked
 * in the room by `useSPARQLQuery`: `executeQuery(text, { room_id })`.
 */
export function useCollaborationRoom(
  roomId: string,
  { invite, secret }: CollaborationOptions = {},
): CollaborationHandle {
  const shared = useSharedClient();
  const membership = useCallback(() => membershipOf(shared.client, roomId), [shared, roomId]);
  const subscribe = useCallback((listener: () => void) => membership().subscribe(listener), [membership]);
  const view = useSyncExternalStore(subscribe, () => membership().getSnapshot(), initial);
  useEffect(() => {
    const release = shared.retain();
    const leave = membership().retain({ invite, secret });
    return () => {
      leave();
      release();
    };
  }, [shared, membership, invite, secret]);
  const actions = useMemo(
    () => ({
      sendMessage: (message: unknown, more?: AddOptions) => membership().send(message, more),
      sendTyping: (isTyping: boolean) => membership().room()?.setTyping(isTyping),
      sendCursor: (cursor: CursorInput) => membership().room()?.setCursor(cursor),
    }),
    [membership],
  );
  return { ...view, ...actions };
}
