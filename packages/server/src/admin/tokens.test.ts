import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { openClient, refusedStatus, type TestClient } from "../testing/test-client.js";
import { bearer, inSeconds, tokenOf, WITH_SECRET } from "../testing/tokens.js";

const ADMIN_KEY = "k".repeat(SERVER_LIMITS.minAdminKeyCharacters);
const WRONG_KEY = "w".repeat(SERVER_LIMITS.minAdminKeyCharacters);
/** A clock that ticks often, so that what happens between a prompt and an expiry is seen apart. */
const SETTINGS = { ...WITH_SECRET, adminKey: ADMIN_KEY, authenticationTimeoutMs: 1_000 };

const addressOf = ({ ws }: TestServer) => ws.replace("query", "admin");

async function openAdmin(server: TestServer, shown: string): Promise<TestClient> {
  const client = await openClient(addressOf(server), bearer(shown));
  client.sendRaw('{"type": "ping"}');
  await client.next("pong");
  return client;
}

test("[ADMIN-3] a socket that a token opened ends with the token, after a word of warning", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const exp = inSeconds(6);
  await using client = await openAdmin(server, await tokenOf("root", { role: "admin", exp }));
  await using byKey = await openAdmin(server, ADMIN_KEY);
  client.sendRaw('{"action": "subscribe_metrics", "interval_ms": 250}');
  await client.next("token_expiring");
  expect(await client.closed).toEqual({ code: 4401, reason: '{"code":"token_expired"}' });
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000 - 2);
  byKey.sendRaw('{"type": "ping"}');
  await byKey.next("pong");
});

test("[ADMIN-3] it ends when the token, its user or its sign-in is revoked, and what it asked last is not answered", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const { controls } = server.server.live;
  const iat = Math.floor(inSeconds(-60));
  for (const [index, revocation] of [{ tokenId: "t0" }, { sessionId: "s1" }, { userId: "root" }].entries()) {
    const claims = { role: "admin", iat, jti: `t${index}`, sid: `s${index}` };
    await using client = await openAdmin(server, await tokenOf("root", claims));
    await using byKey = await openAdmin(server, ADMIN_KEY);
    const before = client.raw.length;
    client.socket.pause();
    await controls.revoke(revocation);
    client.sendRaw('{"action": "get_metrics"}');
    client.socket.resume();
    expect(await client.closed).toEqual({ code: 4401, reason: '{"code":"token_revoked"}' });
    expect(client.raw).toHaveLength(before);
    byKey.sendRaw('{"type": "ping"}');
    await byKey.next("pong");
  }
});

test("[ADMIN-7] in the log no id of a user is taken for the key", async () => {
  await using server = await startServer({ settings: SETTINGS });
  await using client = await openAdmin(server, await tokenOf("key", { role: "admin" }));
  client.sendRaw('{"action": "get_metrics", "message_id": "m"}');
  const audits = () =>
    server.logged.flatMap(
      (line) => (JSON.parse(line) as { audit?: { who: string; action: string } }).audit ?? [],
    );
  await expect
    .poll(() => audits().map(({ who, action }) => [who, action]))
    .toEqual([
      ["user:key", "connect"],
      ["user:key", "get_metrics"],
    ]);
});

test("[ADMIN-2] where there are tokens wrong keys are counted on every path, and tokens that were good once are not", async () => {
  await using server = await startServer({ settings: SETTINGS });
  const ask = async (path: string, shown: string) => {
    const { status, headers } = await fetch(server.url + path, bearer(shown));
    return [status, headers.has("retry-after")];
  };
  const old = await tokenOf("ada", { exp: inSeconds(-60) });
  for (let count = 0; count <= SERVER_LIMITS.adminFailuresCount; count++) {
    expect(await ask("/metrics", old)).toEqual([401, false]);
  }
  for (let count = 0; count < SERVER_LIMITS.adminFailuresCount; count++) {
    const path = count % 2 === 0 ? "/metrics" : "/api/ws/connections";
    expect(await ask(path, WRONG_KEY)).toEqual([401, false]);
  }
  for (const path of ["/metrics", "/api/ws/connections", "/api/ws/backup", "/api/users/ada/data"]) {
    expect([path, await ask(path, WRONG_KEY)]).toEqual([path, [429, true]]);
    expect([path, await ask(path, ADMIN_KEY)]).toEqual([path, [429, true]]);
  }
  expect(await refusedStatus(`${addressOf(server)}?ticket=x`)).toBe(429);
  // Users of the same address go in and out.
  expect(await ask("/metrics", await tokenOf("ada"))).toEqual([200, false]);
  expect(await ask("/metrics", old)).toEqual([401, false]);
  expect(server.logged.join("")).not.toContain(WRONG_KEY);
});
