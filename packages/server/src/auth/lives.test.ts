import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import type { ServerSettings } from "../http/server.js";
import { createGate } from "../testing/gate.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openClient, type TestClient } from "../testing/test-client.js";
import { bearer, inSeconds, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import type { Authenticator } from "./authenticator.js";
import { promptAfterMs } from "./expiry-watch.js";
import { createHookAuthenticator } from "./hook.js";

const ADA = {
  userId: "ada",
  userName: "Ada",
  role: "user",
  expiresAtMs: null,
  issuedAtMs: null,
  sessionId: null,
} as const;

/** A clock that ticks often, so that what happens between a prompt and an expiry is seen apart. */
const FAST: Partial<ServerSettings> = { ...WITH_SECRET, authenticationTimeoutMs: 1_000 };

async function openWith(server: TestServer, token: string): Promise<TestClient> {
  const client = await openClient(server.ws, bearer(token));
  await client.next("connection_ack");
  return client;
}

const closeOf = (code: number, reason: string) => ({ code, reason: JSON.stringify({ code: reason }) });

test.concurrent("[AUTH-9] before its token expires a connection is asked for a fresh one, then closed with 4401", async () => {
  await using server = await startServer({ settings: FAST });
  const exp = inSeconds(6);
  await using client = await openWith(server, await tokenOf("ada", { exp }));
  const { payload } = await client.next("token_expiring");
  expect(Math.abs(Date.parse(payload.expires_at) - exp * 1_000)).toBeLessThan(2);
  expect(await client.closed).toEqual(closeOf(4401, "token_expired"));
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000 - 2);
  expect(client.log.filter(({ type }) => type === "token_expiring")).toHaveLength(1);
});

test.concurrent("[AUTH-9] it is asked for a minute before the end, of a short life after four fifths", () => {
  const seconds = [10, 299, 300, 301, 3_600];
  const expected = [8, 239.2, 240, 241, 3_540];
  expect(seconds.map((life) => promptAfterMs(life * 1_000) / 1_000)).toEqual(expected);
});

test.concurrent("[AUTH-10] a fresh token of the same user extends the connection; its role and name hold from then on", async ({
  expect,
}) => {
  await using server = await startServer({ settings: FAST });
  const exp = inSeconds(5);
  await using client = await openWith(server, await tokenOf("ada", { exp }));
  await client.next("token_expiring");
  const fresh = await tokenOf("ada", { exp: Math.floor(inSeconds(3_600)), role: "admin", name: "Ada" });
  client.send("authenticate", { token: fresh }, { message_id: "again" });
  const answer = await client.next("authenticated");
  expect([answer.correlation_id, answer.payload.user_name]).toEqual(["again", "Ada"]);
  await expect.poll(() => Date.now() > exp * 1_000 + 500, { timeout: 10_000 }).toBe(true);
  client.send("ping");
  await client.next("pong");
  expect([...server.server.live.hub.ofUser("ada")][0]?.user.role).toBe("admin");
});

test.concurrent("[AUTH-10] a token of another user closes with 4403, a bad one with 4401", async () => {
  await using server = await startServer({ settings: FAST });
  for (const [token, close] of [
    [await tokenOf("bob"), closeOf(4403, "other_user")],
    [await tokenOf("ada", { nbf: inSeconds(600) }), closeOf(4401, "bad_token")],
  ] as const) {
    await using client = await openWith(server, await tokenOf("ada"));
    client.send("authenticate", { token });
    expect(await client.closed).toEqual(close);
  }
});

async function resume(server: TestServer, token: string, resumeToken: string) {
  const client = await openWith(server, token);
  client.send("resume", { resume_token: resumeToken });
  return { client, resumed: (await client.next("resumed")).payload };
}

async function loseIn(server: TestServer, room: string, token: string): Promise<string> {
  const client = await openClient(server.ws.replace("query", `room/${room}`), bearer(token));
  const { session } = (await client.next("connection_ack")).payload;
  await client.next("join_room");
  client.socket.terminate();
  await client.closed;
  return session.resume_token;
}

test.concurrent("[AUTH-11] a session is resumed by who has its token and proves to be its user", async () => {
  await using server = await startServer({ settings: FAST });
  const resumeToken = await loseIn(server, "lab", await tokenOf("ada"));
  const stolen = await resume(server, await tokenOf("eve"), resumeToken);
  expect([stolen.resumed.session, stolen.resumed.user_id, stolen.resumed.rooms]).toEqual([false, "eve", {}]);
  await stolen.client[Symbol.asyncDispose]();
  const own = await resume(server, await tokenOf("ada"), resumeToken);
  expect([own.resumed.session, own.resumed.user_id]).toEqual([true, "ada"]);
  expect(Object.keys(own.resumed.rooms)).toEqual(["lab"]);
  await own.client[Symbol.asyncDispose]();
});

test.concurrent("[AUTH-11] a resume token alone opens nothing, and who returns lives as long as the fresh token", async () => {
  await using server = await startServer({ settings: FAST });
  const resumeToken = await loseIn(server, "lab", await tokenOf("ada"));
  await using alone = await openClient(server.ws);
  alone.send("resume", { resume_token: resumeToken });
  expect(await alone.closed).toEqual(closeOf(4400, "not_authenticated"));
  const { client, resumed } = await resume(server, await tokenOf("ada", { exp: inSeconds(4) }), resumeToken);
  expect(resumed.session).toBe(true);
  expect(await client.closed).toEqual(closeOf(4401, "token_expired"));
  // After an expiry a fresh token brings the session back.
  const again = await resume(server, await tokenOf("ada"), resumed.resume_token);
  expect(again.resumed.session).toBe(true);
  await again.client[Symbol.asyncDispose]();
});

const revoked = closeOf(4401, "token_revoked");

test.concurrent("[AUTH-12] a token, a user or a sign-in is revoked: connections are closed, and later ones refused", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { controls } = server.server.live;
  const issuedAt = Math.floor(inSeconds(-60));
  const one = await tokenOf("ada", { jti: "t1", sid: "s1", iat: issuedAt });
  const two = await tokenOf("ada", { jti: "t2", sid: "s1", iat: issuedAt });
  const three = await tokenOf("ada", { jti: "t3", sid: "s2", iat: issuedAt });
  const bob = await tokenOf("bob", { jti: "t4", sid: "s3", iat: issuedAt });
  const clients = await Promise.all([one, two, three, bob].map((token) => openWith(server, token)));
  const [first, second, third, fourth] = clients;

  expect(await controls.revoke({ tokenId: "t1" })).toBe(1);
  expect(await first?.closed).toEqual(revoked);
  expect(await controls.revoke({ sessionId: "s1" })).toBe(1);
  expect(await second?.closed).toEqual(revoked);
  expect(await controls.revoke({ userId: "ada" })).toBe(1);
  expect(await third?.closed).toEqual(revoked);
  fourth?.send("ping");
  await fourth?.next("pong");

  for (const token of [one, two, three]) {
    expect((await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status).toBe(401);
    await using client = await openClient(server.ws, bearer(token));
    expect(await client.closed).toEqual(revoked);
  }
  // Who signs in again gets a younger token.
  const younger = await tokenOf("ada", { jti: "t5", sid: "s4", iat: Math.floor(inSeconds(1)) });
  await (await openWith(server, younger))[Symbol.asyncDispose]();
  await fourth?.[Symbol.asyncDispose]();
});

test.concurrent("[AUTH-12] a client that does not read is put out within five seconds, and gets nothing more", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { live } = server.server;
  const client = await openWith(server, await tokenOf("ada", { jti: "t1" }));
  client.socket.pause();
  const [peer] = live.hub.ofUser("ada");
  const message = "x".repeat(100_000);
  await expect
    .poll(
      () => {
        peer?.send("notification", { message });
        return (peer?.link?.outbox.queuedBytes ?? 0) > 500_000;
      },
      { timeout: 20_000, interval: 1 },
    )
    .toBe(true);
  const startMs = performance.now();
  expect(await live.controls.revoke({ tokenId: "t1" })).toBe(1);
  expect([...live.hub.ofUser("ada")]).toEqual([]);
  expect(peer?.life).toBe("gone");
  expect(performance.now() - startMs).toBeLessThan(5_000);
  client.socket.terminate();
});

test.concurrent("[AUTH-12] a revocation ends lost sessions, tickets, and tokens that are shown later", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { controls } = server.server.live;
  const token = await tokenOf("ada", { jti: "t1" });
  const resumeToken = await loseIn(server, "lab", token);
  const issued = await fetch(`${server.url}/api/ws/tickets`, { method: "POST", ...bearer(token) });
  const { ticket } = (await issued.json()) as { ticket: string };
  await using waiting = await openClient(server.ws);
  await waiting.next("connection_ack");
  await controls.revoke({ tokenId: "t1" });
  await using byTicket = await openClient(`${server.ws}?ticket=${ticket}`);
  expect(await byTicket.closed).toEqual(revoked);
  waiting.send("authenticate", { token });
  expect(await waiting.closed).toEqual(revoked);
  const { client, resumed } = await resume(server, await tokenOf("ada"), resumeToken);
  expect(resumed.session).toBe(false);
  await client[Symbol.asyncDispose]();
});

test.concurrent("[AUTH-12] a token that does not tell when it was issued is among those that a user has had so far", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const token = await tokenOf("ada");
  await using client = await openWith(server, token);
  expect(await server.server.live.controls.revoke({ userId: "ada" })).toBe(1);
  expect(await client.closed).toEqual(revoked);
  expect((await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status).toBe(401);
});

test.concurrent("[AUTH-12] a token that is revoked while somebody is let in with it, or anew, lets in nobody", async () => {
  const gate = { first: createGate(), second: createGate() };
  let count = 0;
  const authenticator: Authenticator = {
    ...createHookAuthenticator(() => null),
    async authenticate(token) {
      if (token === "slow") await (count++ === 0 ? gate.first : gate.second).pass();
      return { ...ADA, tokenId: token };
    },
  };
  await using server = await startServer({ settings: { authenticator } });
  const { controls } = server.server.live;
  await using late = await openClient(server.ws);
  await using present = await openWith(server, "good");
  late.send("authenticate", { token: "slow" });
  await gate.first.reached;
  present.send("authenticate", { token: "slow" });
  await gate.second.reached;
  await controls.revoke({ tokenId: "slow" });
  gate.first.open();
  gate.second.open();
  expect(await late.closed).toEqual(revoked);
  expect(await present.closed).toEqual(revoked);
});

test.concurrent("[AUTH-12] a revocation breaks off the answers that are under way over HTTP, of nobody else", async ({
  expect,
}) => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { controls, runs } = server.server.live;
  const path = `/sparql?query=${encodeURIComponent("SELECT * { ?s ?p ?o } # urn:test:endless")}`;
  const begin = async (userId: string, jti: string) => {
    const answer = await fetch(server.url + path, bearer(await tokenOf(userId, { jti })));
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    return reader;
  };
  const [ada, bob] = [await begin("ada", "t1"), await begin("bob", "t2")];
  await controls.revoke({ tokenId: "t1" });
  const readOn = async () => {
    while ((await ada?.read())?.done === false);
  };
  await expect(readOn()).rejects.toThrow();
  await expect.poll(() => Array.from(runs.active(), ({ userId }) => userId)).toEqual(["bob"]);
  expect((await bob?.read())?.done).toBe(false);
  await bob?.cancel();
});

test.concurrent("[AUTH-12] a server that is started again on its store still refuses what was revoked", async () => {
  await using folder = await temporaryFolder();
  const token = await tokenOf("ada", { jti: "t1" });
  const statusOf = async (server: TestServer) =>
    (await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status;
  for (const [expected, revokes] of [
    [200, true],
    [401, false],
  ] as const) {
    const storage = await openFileStorage(folder.path("store.db"));
    {
      await using server = await startServer({ settings: WITH_SECRET, storage });
      expect(await statusOf(server)).toBe(expected);
      if (revokes) await server.server.live.controls.revoke({ tokenId: "t1" });
    }
    await storage.close();
  }
});

test.concurrent("[AUTH-12] a revocation is kept until the time that it names, and a shorter one does not shorten it", async ({
  expect,
}) => {
  await using server = await startServer({ settings: WITH_SECRET });
  const { controls } = server.server.live;
  const token = await tokenOf("ada", { jti: "t1" });
  const statusOf = async () => (await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status;
  await controls.revoke({ tokenId: "t1", expiresAtMs: Date.now() + 4_000 });
  await controls.revoke({ tokenId: "t1", expiresAtMs: Date.now() });
  expect(await statusOf()).toBe(401);
  await expect.poll(statusOf, { timeout: 15_000 }).toBe(200);
  await expect(controls.revoke({ tokenId: "" })).rejects.toThrow("Say which");
});
