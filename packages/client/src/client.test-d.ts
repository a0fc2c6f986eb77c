import type { ServerPayloads } from "@sparql-live/protocol";
import { expectTypeOf, test } from "vitest";
import type { Doc } from "yjs";
import { SPARQLWebSocketClient } from "./client.js";
import type { ConnectionState } from "./connection/state.js";
import type { Row } from "./queries/run.js";
import type { RoomEntry, RoomUpdate } from "./rooms/entries.js";
import type { Room, RoomEvents } from "./rooms/room.js";
import type { ReadableStore } from "./store.js";
import { rowValues, type TermValue } from "./terms.js";
import type { RoomProvider } from "./yjs/index.js";

test("[CLIENT-28] events are typed by their names, and queries by what becomes of their rows", () => {
  const client = new SPARQLWebSocketClient("ws://localhost", {
    WebSocket: globalThis.WebSocket,
    autoConnect: false,
  });
  client.on("query_progress", (payload) =>
    expectTypeOf(payload).toEqualTypeOf<ServerPayloads["query_progress"]>(),
  );
  client.on("state", (state) => expectTypeOf(state).toEqualTypeOf<ConnectionState>());
  client.on("acme.vote", (payload) =>
    expectTypeOf(payload).toEqualTypeOf<Readonly<Record<string, unknown>>>(),
  );
  expectTypeOf(client.query("x")).toExtend<AsyncIterable<Row>>();
  expectTypeOf(client.query("x", { mapRow: rowValues })).toExtend<
    AsyncIterable<Readonly<Record<string, TermValue>>>
  >();
  client.send("join_room", { room_id: "x" });
  client.send("acme.vote", { option: 1 });
  expectTypeOf(client.sendQuery("x")).resolves.toEqualTypeOf<ServerPayloads["query_result"]>();
});

test("[CLIENT-28] events of a room are typed by their names, and what a provider tells are stores", () => {
  expectTypeOf<RoomEvents["message"]>().toEqualTypeOf<[entry: RoomEntry]>();
  expectTypeOf<RoomEvents["document"]>().toEqualTypeOf<[update: RoomUpdate]>();
  expectTypeOf<Parameters<Room["on"]>[0]>().toEqualTypeOf<keyof RoomEvents>();
  expectTypeOf<RoomProvider["synced"]>().toEqualTypeOf<ReadableStore<boolean>>();
  expectTypeOf<RoomProvider["doc"]>().toEqualTypeOf<Doc>();
});
