import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { inSeconds, tokenOf, WITH_SECRET } from "../../packages/server/src/testing/tokens.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { openLibraryClient } from "./support.js";

const SETTINGS = { ...WITH_SECRET, rateLimitPerMinute: 0 };

test("[CLIENT-9] a token is sent as the first message, never in the address, and asked for on each connection", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const tokens: string[] = [];
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
    userId: "somebody else",
    async token() {
      const token = await tokenOf("ada", { name: "Ada" });
      tokens.push(token);
      return token;
    },
  });
  await client.connect();
  expect(client.userId).toBe("ada");
  expect((await client.sendQuery("all cities")).row_count).toBe(3);
  const connectionId = client.connectionId;
  proxy.drop();
  await expect.poll(() => tokens.length).toBe(2);
  await client.connect();
  await expect.poll(() => client.state.kind).toBe("open");
  expect([client.connectionId, client.userId]).toEqual([connectionId, "ada"]);
  // Addresses are logged.
  for (const token of tokens) expect(server.logged.join("")).not.toContain(token);
});

test("[CLIENT-9] before the token expires a fresh one is asked for, and the connection stays", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const expiries = [inSeconds(6), inSeconds(3_600)];
  const [firstExpiry = 0] = expiries;
  using client = openLibraryClient(server.ws, {
    token: () => tokenOf("ada", { exp: expiries.shift() ?? 0 }),
  });
  const told: string[] = [];
  client.on("authenticated", () => told.push("authenticated"));
  client.on("token_expiring", () => told.push("token_expiring"));
  client.on("state", ({ kind }) => told.push(kind));
  const expected = ["open", "authenticated", "token_expiring", "authenticated"];
  await expect.poll(() => told, { timeout: 20_000 }).toHaveLength(4);
  await expect.poll(() => Date.now() / 1_000, { timeout: 20_000 }).toBeGreaterThan(firstExpiry + 0.5);
  expect((await client.sendQuery("all cities")).row_count).toBe(3);
  expect(told).toEqual(expected);
});

test("[CLIENT-6] a refused token is replaced by a fresh one once; refused again, it gives up", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const tokens = [
    await tokenOf("ada", {}, "a secret of somebody else, of enough bytes"),
    await tokenOf("ada"),
  ];
  let askedCount = 0;
  using saved = openLibraryClient(server.ws, { token: () => tokens[askedCount++] ?? "" });
  await saved.connect();
  expect([saved.userId, askedCount]).toEqual(["ada", 2]);
  let refusedCount = 0;
  using refused = openLibraryClient(server.ws, {
    token() {
      refusedCount++;
      return "nothing";
    },
  });
  await expect(refused.connect()).rejects.toMatchObject({ code: "connection_closed" });
  expect(refused.state).toEqual({ kind: "closed", code: 4401, reason: "bad_token" });
  expect(refusedCount).toBe(2);
  using fixed = openLibraryClient(server.ws, { token: "nothing" });
  await expect(fixed.connect()).rejects.toMatchObject({ code: "connection_closed" });
  using none = openLibraryClient(server.ws);
  await expect(none.connect()).rejects.toMatchObject({ details: { detail: "no_token" } });
});

test("[CLIENT-9] a token of another user after a reconnection sends nothing of the former one, and ends it", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const headers = { authorization: `Bearer ${await tokenOf("ada")}` };
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=lab&is_public=true`, {
    method: "POST",
    headers,
  });
  expect(made.status).toBe(200);
  using eve = openLibraryClient(server.ws, { token: () => tokenOf("eve") });
  const seen = await eve.joinRoom("lab");
  let user = "ada";
  using client = openLibraryClient(`ws://127.0.0.1:${proxy.port}/api/ws/query`, {
    token: () => tokenOf(user),
  });
  const room = await client.joinRoom("lab");
  await room.send("of ada");
  user = "bob";
  proxy.drop();
  const refused = expect(room.send("of ada too")).rejects.toMatchObject({ code: "connection_closed" });
  await expect.poll(() => client.state).toEqual({ kind: "closed", code: 4403, reason: "other_user" });
  await refused;
  await client.connect();
  const hisRoom = await client.joinRoom("lab");
  await hisRoom.send("of bob");
  await expect
    .poll(() => seen.messages.getSnapshot().map(({ userId, message }) => [userId, message]))
    .toEqual([
      ["ada", "of ada"],
      ["bob", "of bob"],
    ]);
});

test("[CLIENT-6] a token that cannot be had is told, and asked for again", async () => {
  await using server = await startServer({ settings: SETTINGS });
  let askedCount = 0;
  using client = openLibraryClient(server.ws, {
    async token() {
      if (++askedCount === 1) throw new Error("the issuer is away");
      return tokenOf("ada");
    },
  });
  const fault = new Promise((resolve) => client.on("fault", resolve));
  await client.connect();
  expect(client.userId).toBe("ada");
  expect(await fault).toEqual(new Error("the issuer is away"));
});
