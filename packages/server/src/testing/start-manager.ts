import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import Type from "typebox";
import { defineMessage } from "../index.js";
import { WebSocketManager, type WebSocketManagerOptions } from "../manager.js";
import type { TestClient } from "./test-client.js";

/** Two types of an application's own: what its clients send, and what it sends them. */
export const Vote = defineMessage("poll.vote", Type.Object({ option: Type.String(), weight: Type.Number() }));
export const Tally = defineMessage(
  "poll.tally",
  Type.Object({ counts: Type.Record(Type.String(), Type.Number()) }),
);

/** A manager behind a plain HTTP server on a free port, which answers every request with "own". */
export async function startManager(options: WebSocketManagerOptions = {}) {
  const logged: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void logged.push(line) });
  const manager = new WebSocketManager({ log, ...options });
  await manager.start();
  const server = createServer((_request, response) => response.end("own"));
  manager.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    manager,
    logged,
    url: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await manager.shutdown();
      server.close();
      await once(server, "close");
    },
  };
}

/** The id of a connection that has just been opened. */
export async function idOf(client: TestClient): Promise<string> {
  return (await client.next("connection_ack")).payload.connection_id;
}
