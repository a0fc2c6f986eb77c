import { setImmediate } from "node:timers/promises";
import { jsonCodec, type ServerMessage, type ServerPayloads, type WireMessage } from "@sparql-live/protocol";
import { parseServerMessage } from "@sparql-live/protocol/validate";
import { WebSocket } from "ws";
import type { Live } from "../../packages/server/src/live.js";
import { createMemoryTransport } from "../../packages/server/src/realtime/memory-transport.js";
import type { History } from "./history-checker.js";

const TIMEOUT_MS = 30_000;
const TURNS_COUNT = 10_000;

/** Reads all of a room's log that is kept, by `room_history` from the beginning. Rejects where it does not end in time. */
export function readHistory(url: string, room: string): Promise<History> {
  const socket = new WebSocket(`${url}?user_id=history`);
  const pages = createPages(room, (message) => socket.send(jsonCodec.encode(message)));
  return new Promise<History>((resolve, reject) => {
    const timer = setTimeout(() => socket.terminate(), TIMEOUT_MS);
    socket.on("message", (data) => {
      try {
        const history = pages.take(parseServerMessage(jsonCodec.decode(String(data))));
        if (history !== null) resolve(history);
        if (history !== null) socket.terminate();
      } catch (error) {
        reject(error);
        socket.terminate();
      }
    });
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(timer);
      reject(new Error(`The history of ${room} broke off`));
    });
  });
}

/** The same, without a network. */
export async function readHistoryInMemory(live: Live, room: string): Promise<History> {
  const { transport, peer } = createMemoryTransport();
  const pages = createPages(room, (message) => peer.send(String(jsonCodec.encode(message))));
  live.connect(transport, jsonCodec, { userId: "history" });
  let readCount = 0;
  for (let turn = 0; turn < TURNS_COUNT; turn++) {
    for (; readCount < peer.messages.length; readCount++) {
      const history = pages.take(parseServerMessage(jsonCodec.decode(peer.messages[readCount] ?? "")));
      if (history === null) continue;
      peer.close(1000);
      return history;
    }
    await setImmediate();
  }
  throw new Error(`The history of ${room} did not come`);
}

/** Asks for page after page. `take` returns the whole when there is nothing more; throws where the server refuses. */
function createPages(room: string, send: (message: WireMessage) => void) {
  const entries: { seq: number; id: string }[] = [];
  let page: ServerPayloads["room_history"] | null = null;
  return {
    take(message: ServerMessage): History | null {
      if (message.type === "error_message") throw new Error(message.payload.error);
      if (message.type === "connection_ack") {
        send({ type: "room_history", payload: { room_id: room, since: 0 } });
      } else if (message.type === "room_history") page = message.payload;
      else if (message.type === "room_message") {
        entries.push({ seq: message.payload.seq, id: String(message.payload.message) });
      }
      if (page === null || page.seq > (entries.at(-1)?.seq ?? 0)) return null;
      // Of a log that was trimmed the first page does not say that there is more.
      if (page.seq === page.since) return { room, epoch: page.epoch, headSeq: page.seq, entries };
      send({ type: "room_history", payload: { room_id: room, since: page.seq } });
      page = null;
      return null;
    },
  };
}
