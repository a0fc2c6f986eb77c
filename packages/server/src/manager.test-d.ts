import type { ClientPayloads } from "@sparql-live/protocol";
import Type from "typebox";
import { expectTypeOf, test } from "vitest";
import { type Connection, defineMessage, type Live, type WebSocketManager } from "./index.js";

const Vote = defineMessage(
  "poll.vote",
  Type.Object({
    option: Type.Union([Type.Literal("yes"), Type.Literal("no")]),
    weight: Type.Optional(Type.Number()),
  }),
);

declare const manager: WebSocketManager;
declare const connection: Connection;
declare const live: Live;

test("a handler of an added type gets its payload as the schema says", () => {
  manager.registerHandler(Vote, (message, from) => {
    expectTypeOf(message.type).toEqualTypeOf<"poll.vote">();
    expectTypeOf(message.payload).toEqualTypeOf<{ option: "yes" | "no"; weight?: number }>();
    expectTypeOf(message.message_id).toEqualTypeOf<string | undefined>();
    expectTypeOf(from).toEqualTypeOf<Connection>();
  });
  live.dispatcher.on(Vote, ({ payload }) => {
    expectTypeOf(payload.option).toEqualTypeOf<"yes" | "no">();
  });
});

test("a handler of a type of the protocol gets that type's payload", () => {
  manager.registerHandler("room_message", ({ payload }) => {
    expectTypeOf(payload).toEqualTypeOf<ClientPayloads["room_message"]>();
  });
  // @ts-expect-error: clients do not send it
  manager.registerHandler("query_result", () => undefined);
  // @ts-expect-error: a type of one's own goes by its definition
  manager.registerHandler("poll.vote", () => undefined);
});

test("a handler may be asynchronous, and answers nothing by its value", () => {
  manager.registerHandler(Vote, async () => undefined);
  // @ts-expect-error: a value would be lost
  manager.registerHandler(Vote, () => 1);
});

test("payloads of added types are checked wherever they are sent", () => {
  const vote = { option: "yes", weight: 1 } as const;
  expectTypeOf(manager.sendToConnection("c", Vote, vote)).toEqualTypeOf<number>();
  expectTypeOf(manager.sendToUser("ada", Vote, vote)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(manager.sendToRoom("lab", Vote, vote)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(manager.broadcast(Vote, vote)).toEqualTypeOf<Promise<number>>();
  connection.send(Vote, vote);
  live.controls.broadcast(Vote, vote);

  // @ts-expect-error: no such option
  manager.sendToConnection("c", Vote, { option: "maybe" });
  // @ts-expect-error: the option is missing
  manager.sendToUser("ada", Vote, { weight: 1 });
  // @ts-expect-error: the weight is a number
  manager.sendToRoom("lab", Vote, { option: "yes", weight: "1" });
  // @ts-expect-error: nothing else stands in it
  manager.broadcast(Vote, { option: "yes", colour: "red" });
  // @ts-expect-error: no such option
  connection.send(Vote, { option: "maybe" });
});

test("payloads of the protocol's types are checked too", () => {
  manager.sendToUser("ada", "notification", { message: "done", data: { id: 1 } });
  // @ts-expect-error: no level
  manager.broadcast("system_message", { message: "hello" });
  // @ts-expect-error: no type of the protocol
  manager.broadcast("poll.vote", { option: "yes" });
  // @ts-expect-error: the client's form of it has another payload
  manager.sendToConnection("c", "join_room", { room_id: "lab" });
});

test("a room message is any JSON, and alone has an author and an id to repeat it by", () => {
  const author = { userId: "robot", userName: "Robot" };
  manager.sendToRoom("lab", "room_message", { message: { text: "hi" } }, { author, messageId: "m" });
  // @ts-expect-error: the room says the rest
  manager.sendToRoom("lab", "room_message", { message: 1, seq: 1 });
  // @ts-expect-error: it is not stored, so nobody's
  manager.sendToRoom("lab", Vote, { option: "yes" }, { author });
  // @ts-expect-error: documents are edited, not sent
  manager.sendToRoom("lab", "document_update", { update: "" });
});
