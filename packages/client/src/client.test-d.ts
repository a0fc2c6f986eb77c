import type { ServerPayloads } from "@sparql-live/protocol";
import type { MetricsSnapshot, QueryInfo } from "@sparql-live/protocol/admin";
import { expectTypeOf, test } from "vitest";
import type { Doc } from "yjs";
import { type AdminClient, type AdminClientOptions, createAdminClient } from "./admin/index.js";
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

test("[CLIENT-ADMIN-2] each action takes what it needs, and is a promise of its own answer", () => {
  const admin = createAdminClient({ url: "ws://localhost", key: () => Promise.resolve("key") });
  expectTypeOf(admin.getMetrics).returns.resolves.toEqualTypeOf<MetricsSnapshot>();
  expectTypeOf(admin.listQueries).returns.resolves.toEqualTypeOf<{
    readonly queries: readonly QueryInfo[];
  }>();
  expectTypeOf(admin.drain).returns.resolves.toEqualTypeOf<{ readonly draining: true }>();
  expectTypeOf<Parameters<AdminClient["deleteRoom"]>[0]>().toEqualTypeOf<{ room_id: string }>();
  expectTypeOf<{ message: string; level: "loud" }>().not.toExtend<Parameters<AdminClient["broadcast"]>[0]>();
  expectTypeOf(admin.watchMetrics).parameter(0).parameter(0).toEqualTypeOf<MetricsSnapshot>();
});

test("[CLIENT-ADMIN-1] an admin shows a key or a token, and one of them", () => {
  expectTypeOf<{ url: string; key: string }>().toExtend<AdminClientOptions>();
  expectTypeOf<{ url: string; token: () => string }>().toExtend<AdminClientOptions>();
  expectTypeOf<{ url: string }>().not.toExtend<AdminClientOptions>();
  expectTypeOf<{ url: string; key: string; token: string }>().not.toExtend<AdminClientOptions>();
});
