import type { ClientOptions, Room, SPARQLWebSocketClient } from "@sparql-live/client";
import type { HistoryChecker } from "../support/history-checker.js";
import { openLibraryClient } from "./support.js";

/** A client of the library whose application tells the checker everything that it sees and sends. */
export interface WatchedClient extends Disposable {
  readonly client: SPARQLWebSocketClient & Disposable;
  readonly counts: { deliveredCount: number; gapCount: number; refusedCount: number };
  /** Enters a room. */
  join(room: string): Promise<Room>;
  /** Writes into the room, and tells the checker when it is acknowledged. */
  publish(room: string): void;
  /** Of what was published and is not answered. */
  readonly unanswered: number;
}

export function watchClient(
  url: string,
  { name, checker, ...options }: ClientOptions & { name: string; checker: HistoryChecker },
): WatchedClient {
  const client = openLibraryClient(url, { userId: name, ...options });
  const counts = { deliveredCount: 0, gapCount: 0, refusedCount: 0 };
  let publishedCount = 0;
  let unanswered = 0;

  return {
    client,
    counts,
    get unanswered() {
      return unanswered;
    },
    async join(roomId) {
      const room = await client.joinRoom(roomId, { timeoutMs: 0 });
      if (room.position === null) throw new Error("a room that was entered has a position");
      checker.placed(name, { room: roomId, ...room.position });
      room.on("gap", ({ place }) => {
        counts.gapCount++;
        checker.placed(name, { room: roomId, ...place });
      });
      room.on("message", ({ place, message }) => {
        counts.deliveredCount++;
        // One's own are seen in their place, too.
        checker.delivered(name, { room: roomId, ...place }, String(message));
      });
      return room;
    },
    publish(roomId) {
      const id = `${name}:${++publishedCount}`;
      checker.published(name, roomId, id);
      unanswered++;
      client
        .sendToRoom(roomId, id, { messageId: id })
        .then(
          ({ place }) => checker.acknowledged(name, id, { room: roomId, ...place }, false),
          () => counts.refusedCount++,
        )
        .finally(() => unanswered--);
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
