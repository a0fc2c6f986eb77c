import { LIMITS } from "@sparql-live/engine";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { bearer, inSeconds, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { createHookAuthenticator } from "./hook.js";

const ADMIN_KEY = "k".repeat(32);

test("[AUTH-1] the user is who the token names; what the address says is passed over", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const token = await tokenOf("ada", { name: "Ada Lovelace", role: ["reader", "admin"] });
  await using client = await openClient(`${server.ws}?user_id=eve&user_name=Eve`, bearer(token));
  const { connection_id: id, user_id: userId } = (await client.next("connection_ack")).payload;
  expect(userId).toBe("ada");
  const peer = server.server.live.hub.get(id);
  expect(peer?.user).toEqual({ id: "ada", name: "Ada Lovelace", role: "admin" });
  expect(peer?.session.state).toBe("authenticated");
});

test("[AUTH-1] a role is `user` unless the claim says `admin`, and a name is cut", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, authRoleClaim: "r" } });
  const token = await tokenOf("ada", {
    role: "admin",
    r: "administrator",
    preferred_username: "x".repeat(500),
  });
  await using client = await openClient(server.ws, bearer(token));
  const { connection_id: id } = (await client.next("connection_ack")).payload;
  expect(server.server.live.hub.get(id)?.user).toEqual({ id: "ada", name: "x".repeat(128), role: "user" });
});

test("[AUTH-1] in the open mode everybody is a `user`, and a token is not wanted", async () => {
  await using server = await startServer();
  await using client = await openClient(`${server.ws}?user_id=ada`);
  const { connection_id: id } = (await client.next("connection_ack")).payload;
  expect(server.server.live.hub.get(id)?.user).toEqual({ id: "ada", name: "ada", role: "user" });
  client.send("authenticate", { token: await tokenOf("ada") });
  expect((await client.next("error_message")).payload.code).toBe("feature_unavailable");
});

test("[AUTH-3] who brings no token is nobody until it has authenticated", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { live } = server.server;
  await using client = await openClient(`${server.ws}?user_id=eve`);
  expect((await client.next("connection_ack")).payload.user_id).toBeNull();
  expect(live.hub.size).toBe(0);
  const exp = Math.floor(Date.now() / 1_000) + 600;
  client.send("authenticate", { token: await tokenOf("ada", { name: "Ada", exp }) }, { message_id: "m1" });
  const answer = await client.next("authenticated");
  expect(answer.correlation_id).toBe("m1");
  expect(answer.payload).toMatchObject({
    limits: { max_rows: LIMITS.maxRows },
    user_id: "ada",
    user_name: "Ada",
    expires_at: new Date(exp * 1_000).toISOString(),
  });
  expect([...live.hub.ofUser("ada")]).toHaveLength(1);
  client.send("query_request", { sparql: "ASK {}" }, { message_id: "q1" });
  expect((await client.next("query_result", "q1")).payload.results?.boolean).toBe(true);
});

test("[AUTH-3] who does not authenticate in time is closed with 4408, who does is not", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, authenticationTimeoutMs: 2_000 } });
  const token = await tokenOf("ada");
  await using punctual = await openClient(server.ws);
  punctual.send("authenticate", { token });
  await punctual.next("authenticated");
  await using late = await openClient(server.ws);
  expect(await late.closed).toEqual({ code: 4408, reason: '{"code":"authentication_timeout"}' });
  punctual.send("ping");
  await punctual.next("pong");
});

test("[AUTH-3] the default time is five seconds", () => {
  expect(SERVER_LIMITS.authenticationTimeoutMs).toBe(5_000);
});

test("[AUTH-4] before that nothing but signs of life and `authenticate` is taken", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  await server.server.live.rooms.create({ id: "lab" });
  for (const [type, payload] of [
    ["query_request", { sparql: "ASK {}" }],
    ["join_room", { room_id: "lab" }],
    ["resume", { resume_token: "x" }],
  ] as const) {
    await using client = await openClient(server.ws);
    client.send("ping");
    await client.next("pong");
    client.send(type, payload);
    expect(await client.closed).toEqual({ code: 4400, reason: '{"code":"not_authenticated"}' });
    expect(client.log.map((message) => message.type)).toEqual(["connection_ack", "pong"]);
  }
});

test("[AUTH-4] ten messages are taken before it, and not eleven", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  await using patient = await openClient(server.ws);
  for (let count = 1; count < SERVER_LIMITS.unprovenMessagesCount; count++) patient.send("ping");
  patient.send("authenticate", { token: await tokenOf("ada") });
  await patient.next("authenticated");
  await using client = await openClient(server.ws);
  for (let count = 1; count <= SERVER_LIMITS.unprovenMessagesCount; count++) client.send("ping");
  client.send("authenticate", { token: await tokenOf("ada") });
  expect((await client.closed).code).toBe(4400);
});

test("[AUTH-4] 32 KiB are taken before it, and not a byte more", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const frameOf = (bytes: number) => `{"type":"ping"}${" ".repeat(bytes - 15)}`;
  await using fitting = await openClient(server.ws);
  fitting.sendRaw(frameOf(SERVER_LIMITS.unprovenBytes));
  await fitting.next("pong");
  await using client = await openClient(server.ws);
  client.sendRaw(frameOf(SERVER_LIMITS.unprovenBytes + 1));
  expect((await client.closed).code).toBe(4400);
});

test("[AUTH-4] who has not authenticated gets no broadcast, and gets those since its greeting when it has", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { live } = server.server;
  await using client = await openClient(server.ws);
  await client.next("connection_ack");
  expect(await live.controls.broadcast("system_message", { message: "a", level: "info" })).toBe(0);
  client.send("ping");
  await client.next("pong");
  expect(client.log.map((message) => message.type)).toEqual(["connection_ack", "pong"]);
  client.send("authenticate", { token: await tokenOf("ada") });
  expect((await client.next("system_message")).payload.message).toBe("a");
});

test("[AUTH-4] only one token is verified at a time", async () => {
  const asked: string[] = [];
  const authenticator = createHookAuthenticator((token) => {
    asked.push(token);
    return new Promise(() => undefined);
  });
  await using server = await startServer({ settings: { authenticator } });
  await using client = await openClient(server.ws);
  client.send("authenticate", { token: "one" });
  client.send("authenticate", { token: "two" });
  expect(await client.closed).toEqual({ code: 4400, reason: '{"code":"not_authenticated"}' });
  expect(asked).toEqual(["one"]);
});

test("[AUTH-3] the room of the address is joined once it is known who comes", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  await using client = await openClient(server.ws.replace("/query", "/room/lab"));
  client.send("authenticate", { token: await tokenOf("ada") });
  expect((await client.next("join_room")).payload.owner_id).toBe("ada");
});

test("[AUTH-3] those who have still to authenticate count for their address", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, maxConnectionsPerAddress: 2 } });
  await using first = await openClient(server.ws);
  await using second = await openClient(server.ws);
  await expect(openClient(server.ws)).rejects.toThrow("429");
  first.send("authenticate", { token: await tokenOf("ada") });
  await first.next("authenticated");
  await expect(openClient(server.ws)).rejects.toThrow("429");
  second.socket.close();
  await second.closed;
  await using third = await openClient(server.ws);
  expect((await third.next("connection_ack")).payload.user_id).toBeNull();
});

test("[AUTH-3] one connection too many of a user is closed with 4429, whichever way it comes", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, maxConnectionsPerUser: 1 } });
  const token = await tokenOf("ada");
  await using first = await openClient(server.ws, bearer(token));
  await first.next("connection_ack");
  await using second = await openClient(server.ws, bearer(token));
  expect((await second.closed).code).toBe(4429);
  await using third = await openClient(server.ws);
  third.send("authenticate", { token });
  expect((await third.closed).code).toBe(4429);
});

const ticketOf = async (url: string, token: string): Promise<string> => {
  const response = await fetch(`${url}/api/ws/tickets`, { method: "POST", ...bearer(token) });
  const { ticket } = (await response.json()) as { ticket: string };
  return ticket;
};

test("[AUTH-5] a ticket lets in once, as who asked for it", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const response = await fetch(`${server.url}/api/ws/tickets`, {
    method: "POST",
    ...bearer(await tokenOf("ada")),
  });
  expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const { ticket, expires_in: expiresIn } = (await response.json()) as { ticket: string; expires_in: number };
  expect(expiresIn).toBe(30);
  await using client = await openClient(`${server.ws}?ticket=${ticket}`);
  expect((await client.next("connection_ack")).payload.user_id).toBe("ada");
  await using replayed = await openClient(`${server.ws}?ticket=${ticket}`);
  expect(await replayed.closed).toEqual({ code: 4401, reason: '{"code":"bad_token"}' });
});

test("[AUTH-5] a ticket that is too old, or was never issued, is refused", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, ticketLifeMs: 0 } });
  const ticket = await ticketOf(server.url, await tokenOf("ada"));
  for (const shown of [ticket, "", "x".repeat(1_000)]) {
    await using client = await openClient(`${server.ws}?ticket=${shown}`);
    expect((await client.closed).code).toBe(4401);
  }
});

test("[AUTH-5] a ticket does not outlive the token that it was asked for with", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const token = await tokenOf("ada", { exp: inSeconds(4) });
  const ticket = await ticketOf(server.url, token);
  await expect
    .poll(async () => (await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status, { timeout: 20_000 })
    .toBe(401);
  await using client = await openClient(`${server.ws}?ticket=${ticket}`);
  expect(await client.closed).toEqual({ code: 4401, reason: '{"code":"token_expired"}' });
  expect(client.log).toEqual([]);
});

test("[AUTH-5] a hundred tickets of a user may wait, and not one more; others are not disturbed", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const ask = async (token: string) =>
    (await fetch(`${server.url}/api/ws/tickets`, { method: "POST", ...bearer(token) })).status;
  const ada = await tokenOf("ada");
  for (let count = 0; count < SERVER_LIMITS.ticketsPerUserCount; count++) expect(await ask(ada)).toBe(200);
  expect(await ask(ada)).toBe(429);
  expect(await ask(await tokenOf("bob"))).toBe(200);
});

test("[AUTH-5] tickets are for who has a token", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, adminKey: ADMIN_KEY } });
  const ask = async (headers: Record<string, string>) =>
    (await fetch(`${server.url}/api/ws/tickets`, { method: "POST", headers })).status;
  expect(await ask({})).toBe(401);
  expect(await ask({ authorization: `Bearer ${ADMIN_KEY}` })).toBe(401);
});

test("[AUTH-6] a token in the address is not read", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, authenticationTimeoutMs: 300 } });
  const token = await tokenOf("ada");
  for (const name of ["token", "access_token", "ticket"]) {
    await using client = await openClient(`${server.ws}?${name}=${token}`);
    expect([4401, 4408]).toContain((await client.closed).code);
    const response = await fetch(`${server.url}/api/ws/rooms?${name}=${token}`);
    expect(response.status).toBe(401);
  }
});
