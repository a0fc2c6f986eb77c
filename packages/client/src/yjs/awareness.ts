import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import type { Doc } from "yjs";
import type { Room } from "../rooms/room.js";
import { YJS_LIMITS } from "./limits.js";

interface Change {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

/** Tells who is where, both ways, until it is stopped. `origin`: of what came from the room. */
export function shareAwareness(room: Room, doc: Doc, awareness: Awareness, origin: unknown): () => void {
  /** Of each connection, the clients of Yjs that it spoke for. */
  const clientsOf = new Map<string, Set<number>>();
  let speaking = "";
  let lastSentMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = () => {
    clearTimeout(timer);
    timer = undefined;
    lastSentMs = Date.now();
    if (awareness.meta.has(doc.clientID)) {
      room.sendAwareness(encodeAwarenessUpdate(awareness, [doc.clientID]));
    }
  };
  const sendSoon = () => {
    timer ??= setTimeout(send, Math.max(0, lastSentMs + YJS_LIMITS.awarenessIntervalMs - Date.now()));
  };
  /** Others may have been told that we had left: only a later state counts. */
  const renew = () => awareness.setLocalState(awareness.getLocalState());

  const onUpdate = ({ added, updated, removed }: Change, from: unknown) => {
    if (from !== origin) {
      if ([...added, ...updated, ...removed].includes(doc.clientID)) sendSoon();
      return;
    }
    const clients = clientsOf.get(speaking) ?? new Set();
    for (const client of [...added, ...updated]) if (client !== doc.clientID) clients.add(client);
    clientsOf.set(speaking, clients);
  };
  awareness.on("update", onUpdate);

  const removeConnection = (connection: string) => {
    const clients = clientsOf.get(connection);
    if (clients === undefined) return;
    clientsOf.delete(connection);
    removeAwarenessStates(awareness, [...clients], origin);
  };
  const removeAbsent = () => {
    const { members, memberCount, status } = room.view.getSnapshot();
    // Of a large room not all members are told.
    if (status.kind !== "joined" || members.length < memberCount) return;
    const present = new Set(members.map(({ connection_id: id }) => id));
    for (const connection of [...clientsOf.keys()]) {
      if (!present.has(connection)) removeConnection(connection);
    }
  };
  const stops = [
    room.on("awareness", ({ update, connectionId }) => {
      speaking = connectionId;
      applyAwarenessUpdate(awareness, update, origin);
    }),
    room.on("joined", () => {
      // Nobody tells of those who left while the connection was lost.
      removeAbsent();
      renew();
    }),
    room.on("told", ({ type, payload }) => {
      // Who comes knows nobody's state yet.
      if (type === "user_joined") sendSoon();
      if (type === "user_left") removeConnection(payload.connection_id);
      if (type === "join_room" || type === "room_state") removeAbsent();
    }),
  ];
  renew();

  return () => {
    for (const stop of stops) stop();
    awareness.off("update", onUpdate);
    for (const clients of clientsOf.values()) removeAwarenessStates(awareness, [...clients], origin);
    removeAwarenessStates(awareness, [doc.clientID], origin);
    send();
  };
}
