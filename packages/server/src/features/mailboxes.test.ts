import { expect, test } from "vitest";
import { countOf, openAs } from "../testing/room-clients.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import type { TestClient } from "../testing/test-client.js";

const notify = (server: TestServer, user: string, message: string) =>
  server.server.live.mailboxes.send(user, "notification", { message });

async function messagesOf(client: TestClient, count: number): Promise<string[]> {
  const messages: string[] = [];
  while (messages.length < count) messages.push((await client.next("notification")).payload.message);
  return messages;
}

const queued = (server: TestServer) => server.server.live.broker.queues.totalCount();

test("[QUEUE-1] messages to a user who is away wait, and come in order when the user does", async () => {
  await using server = await startServer();
  for (const message of ["a", "b", "c"]) expect(await notify(server, "ada", message)).toBe(0);
  expect(queued(server)).toBe(3);
  await using ada = await openAs(server, "ada");
  expect(await messagesOf(ada, 3)).toEqual(["a", "b", "c"]);
  expect(ada.log[0]?.type).toBe("connection_ack");
});

test("[QUEUE-2] for a client that does not acknowledge, what was written is delivered", async () => {
  await using server = await startServer();
  await notify(server, "ada", "a");
  const ada = await openAs(server, "ada");
  await messagesOf(ada, 1);
  await expect.poll(() => queued(server)).toBe(0);
  expect(await notify(server, "ada", "b")).toBe(1);
  await messagesOf(ada, 1);
  await expect.poll(() => queued(server)).toBe(0);
});

test("[QUEUE-3] for a client that does, it comes again, with the same id, until it was acknowledged", async () => {
  await using server = await startServer();
  await notify(server, "ada", "a");
  const first = await openAs(server, "ada", { more: "&acks=true" });
  const once = await first.next("notification");
  first.socket.terminate();
  await first.closed;
  await using second = await openAs(server, "ada", { more: "&acks=true" });
  const again = await second.next("notification");
  expect(again).toEqual(once);
  second.send("ack", { message_id: again.message_id });
  await expect.poll(() => queued(server)).toBe(0);
  second.send("ack", { message_id: "never-there" });
  second.send("ping");
  await second.next("pong");
  expect(countOf(second.log, "error_message")).toBe(0);
});

test("[QUEUE-4] all connections of a user get it, and the first acknowledgement counts for all", async () => {
  await using server = await startServer();
  await using phone = await openAs(server, "ada", { more: "&acks=true" });
  await using laptop = await openAs(server, "ada", { more: "&acks=true" });
  expect(await notify(server, "ada", "a")).toBe(2);
  const { message_id: id } = await phone.next("notification");
  expect((await laptop.next("notification")).message_id).toBe(id);
  expect(queued(server)).toBe(1);
  laptop.send("ack", { message_id: id });
  await expect.poll(() => queued(server)).toBe(0);
});

test("[QUEUE-5] a hundred wait; beyond, the oldest go, and the user is told how many", async () => {
  await using server = await startServer();
  for (let index = 1; index <= 103; index++) await notify(server, "ada", `${index}`);
  expect([queued(server), server.server.live.counters.queuedMessagesDropped]).toEqual([100, 3]);
  await using ada = await openAs(server, "ada", { more: "&acks=true" });
  const marker = await ada.next("system_message");
  expect(marker.payload).toMatchObject({ code: "messages_dropped", dropped_count: 3 });
  expect(await messagesOf(ada, 100)).toEqual(Array.from({ length: 100 }, (_, index) => `${index + 4}`));
  ada.send("ack", { message_id: marker.message_id });
  ada.send("ping");
  await ada.next("pong");
  await using again = await openAs(server, "ada", { more: "&acks=true" });
  await messagesOf(again, 100);
  expect(countOf(again.log, "system_message")).toBe(0);
});

test("[QUEUE-6] acks: true may be said with `resume` too", async () => {
  await using server = await startServer();
  await using ada = await openAs(server, "ada");
  ada.send("resume", { resume_token: "none", acks: true });
  await ada.next("resumed");
  await notify(server, "ada", "a");
  const { message_id: id } = await ada.next("notification");
  expect(queued(server)).toBe(1);
  ada.send("ack", { message_id: id });
  await expect.poll(() => queued(server)).toBe(0);
});

test("[QUEUE-7] messages of many senders reach each connection in one order", async () => {
  await using server = await startServer();
  await using phone = await openAs(server, "ada");
  await using laptop = await openAs(server, "ada");
  const names = Array.from({ length: 60 }, (_, index) => `${index}`);
  await Promise.all(names.map((name) => notify(server, "ada", name)));
  expect(await messagesOf(phone, 60)).toEqual(names);
  expect(await messagesOf(laptop, 60)).toEqual(names);
});
