import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import { CLIENT_LIMITS } from "../limits.js";
import type { Room } from "../rooms/room.js";

interface Change {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

/** Tells the others of a room where the user of this page is, and the page where they are. Returns the way to stop. */
export function linkAwareness(room: Room, awareness: Awareness, origin: object): () => void {
  const own = awareness.clientID;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let membersCount = 0;

  const tell = () => {
    clearTimeout(timer);
    timer = undefined;
    if (awareness.getLocalState() !== null) room.sendAwareness(encodeAwarenessUpdate(awareness, [own]));
  };
  const tellSoon = () => {
    timer ??= setTimeout(tell, CLIENT_LIMITS.awarenessIntervalMs);
  };
  const changed = ({ added, updated, removed }: Change, by: unknown) => {
    if (by === origin || ![...added, ...updated, ...removed].includes(own)) return;
    if (awareness.getLocalState() === null) room.sendAwareness(encodeAwarenessUpdate(awareness, [own]));
    else tellSoon();
  };
  /** Who has just come knows of nobody yet. */
  const look = () => {
    const { members } = room.view.getSnapshot();
    if (members.length > membersCount) tellSoon();
    membersCount = members.length;
  };

  awareness.on("update", changed);
  const stops = [
    room.on("awareness", ({ update }) => applyAwarenessUpdate(awareness, update, origin)),
    room.on("joined", tell),
    room.view.subscribe(look),
  ];
  look();
  tell();
  return () => {
    clearTimeout(timer);
    removeAwarenessStates(awareness, [own], "left");
    awareness.off("update", changed);
    for (const stop of stops) stop();
    // Nobody tells of them any more.
    const others = [...awareness.getStates().keys()].filter((id) => id !== own);
    removeAwarenessStates(awareness, others, origin);
  };
}
