import type { Engine } from "@sparql-live/engine";
import { jsonCodec, type ServerMessage } from "@sparql-live/protocol";
import { pino } from "pino";
import { openLive } from "../live.js";
import type { LiveOptions, Newcomer } from "../live-options.js";
import { createMemoryStorage } from "../memory-storage.js";
import type { Connection } from "../realtime/connection.js";
import { createMemoryTransport, type MemoryPeer } from "../realtime/memory-transport.js";

/** A client without a network. */
export interface MemoryClient {
  readonly connection: Connection;
  readonly peer: MemoryPeer;
  send(type: string, payload: unknown, id?: string): void;
  messages(): ServerMessage[];
}

/** The real-time part, with clients in memory. */
export async function openMemoryLive(
  engine: Engine | null,
  options: Omit<LiveOptions, "engine" | "storage" | "log"> &
    Partial<Pick<LiveOptions, "storage" | "log">> = {},
) {
  const live = await openLive({
    storage: createMemoryStorage(),
    log: pino({ level: "silent" }),
    ...options,
    engine,
  });
  return {
    live,
    connect(userId: string, newcomer: Omit<Newcomer, "userId"> = {}): MemoryClient {
      const { transport, peer } = createMemoryTransport();
      const connection = live.connect(transport, jsonCodec, { ...newcomer, userId });
      if (connection === null) throw new Error("the server is closing");
      return {
        connection,
        peer,
        send: (type, payload, id) =>
          peer.send(JSON.stringify({ type, payload, ...(id === undefined ? {} : { message_id: id }) })),
        messages: () => peer.messages.map((message) => JSON.parse(String(message)) as ServerMessage),
      };
    },
  };
}
