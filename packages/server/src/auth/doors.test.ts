import { ProtocolFailure } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { createServer } from "../http/server.js";
import { readSettings } from "../settings/read.js";
import { SettingsError } from "../settings/settings-error.js";
import { startManager } from "../testing/start-manager.js";
import { startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { bearer, SECRET, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { configuredAuthenticator } from "./configured.js";
import { createHookAuthenticator } from "./hook.js";

const ADMIN_KEY = "k".repeat(32);

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly security?: unknown; readonly responses: object }>>>
  >;
}

const PUBLIC = ["/healthz", "/health", "/readyz", "/asyncapi", "/api/auth/config"];

test("[AUTH-13] every door wants a token but health, documents, the page and how to sign in", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, adminKey: ADMIN_KEY } });
  const { paths } = (await (await fetch(`${server.url}/docs/json`)).json()) as Document;
  const closed = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => ({ path, method: method.toUpperCase() })),
  );
  expect(closed.length).toBeGreaterThan(15);
  for (const { path, method } of closed) {
    const response = await fetch(server.url + path.replace("{room_id}", "lab"), { method });
    await response.arrayBuffer();
    if (PUBLIC.includes(path)) {
      expect([path, response.status]).toEqual([path, 200]);
    } else {
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("www-authenticate")).toBe('Bearer realm="sparql-live"');
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(paths[path]?.[method.toLowerCase()]?.responses).toHaveProperty("401");
    }
  }
  for (const path of ["/", "/app.js", "/docs", "/docs/json", "/asyncapi/json"]) {
    expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200]);
  }
  for (const path of ["/api/ws/rooms", "/sparql", "/metrics"]) {
    expect([path, (await fetch(server.url + path, { method: "HEAD" })).status]).toEqual([path, 401]);
  }
  expect((await fetch(`${server.url}/sparql`, { method: "OPTIONS" })).status).toBe(204);
});

test("[AUTH-13] with a token, and with the admin's key, they open", async () => {
  await using server = await startServer({ settings: { ...WITH_SECRET, adminKey: ADMIN_KEY } });
  const token = await tokenOf("ada");
  const statusOf = async (path: string, shown: string) =>
    (await fetch(server.url + path, bearer(shown))).status;
  for (const path of [
    "/api/ws/rooms",
    "/metrics",
    "/api/ws/metrics",
    "/sparql?query=ASK%7B%7D",
    "/api/examples",
  ]) {
    expect([path, await statusOf(path, token)]).toEqual([path, 200]);
    expect([path, await statusOf(path, ADMIN_KEY)]).toEqual([path, 200]);
  }
  expect(await statusOf("/api/ws/connections", token)).toBe(404);
  expect(await statusOf("/api/ws/connections", ADMIN_KEY)).toBe(200);
});

test("[AUTH-1] who makes, sees and deletes a room by HTTP is who the token names", async () => {
  await using server = await startServer({ settings: WITH_SECRET });
  const [ada, eve] = [await tokenOf("ada"), await tokenOf("eve")];
  const rooms = `${server.url}/api/ws/rooms`;
  const made = await fetch(`${rooms}?room_id=lab&is_public=false&user_id=eve`, {
    method: "POST",
    ...bearer(ada),
  });
  expect(((await made.json()) as { owner_id: string }).owner_id).toBe("ada");
  const forged = await fetch(`${rooms}?room_id=other`, {
    method: "POST",
    headers: { ...bearer(eve).headers, "content-type": "application/json" },
    body: '{"owner_id": "ada"}',
  });
  expect(forged.status).toBe(400);
  expect((await fetch(`${rooms}/lab?user_id=ada`, bearer(eve))).status).toBe(404);
  expect((await fetch(`${rooms}/lab?user_id=ada`, { method: "DELETE", ...bearer(eve) })).status).toBe(404);
  expect((await fetch(`${rooms}/lab?user_id=eve`, bearer(ada))).status).toBe(200);
  expect((await fetch(`${rooms}/lab`, { method: "DELETE", ...bearer(ada) })).status).toBe(200);
});

test.each(["0.0.0.0", "::", "192.0.2.1", "localhost.example.org", "127.0.0.1.example.org", "my-host"])(
  "[AUTH-14] a server that would let in everybody at %s does not start, and says what to do",
  async (host) => {
    const starting = createServer({ ...readSettings(), host, port: 0 }, { engine: null });
    await expect(starting).rejects.toBeInstanceOf(SettingsError);
    await expect(starting).rejects.toThrow("--insecure-open");
    await expect(starting).rejects.toThrow("--auth-issuer");
  },
);

test("[AUTH-14] it does with authentication, when it is told to be open, and on this machine alone", async () => {
  for (const settings of [
    { host: "0.0.0.0", authJwtSecret: SECRET },
    { host: "0.0.0.0", insecureOpen: true },
    { host: "localhost" },
    { host: "127.0.0.1" },
    { host: "::1" },
  ]) {
    // It is not made to listen: nobody but this machine is to reach a server of a test.
    const server = await createServer({ ...readSettings(), port: 0, ...settings }, { engine: null });
    await server.close();
  }
});

test("an application says itself who a token proves, and what fails there lets nobody in", async () => {
  await using server = await startServer({
    settings: {
      authenticator: createHookAuthenticator(async (token, { remoteAddress }) => {
        if (token === "broken") throw new Error(`cannot look up ${token}`);
        if (token === "refused") throw new ProtocolFailure("token_expired", "Too old.");
        return token === "opaque" ? { userId: "ada", userName: remoteAddress } : null;
      }),
    },
  });
  await using client = await openClient(server.ws);
  client.send("authenticate", { token: "opaque" });
  expect((await client.next("authenticated")).payload).toMatchObject({
    user_id: "ada",
    user_name: "127.0.0.1",
    expires_at: null,
  });
  for (const [token, code, reason] of [
    ["wrong", 4401, "bad_token"],
    ["refused", 4401, "token_expired"],
    ["broken", 1013, "unavailable"],
  ] as const) {
    await using refused = await openClient(server.ws, bearer(token));
    expect(await refused.closed).toEqual({ code, reason: JSON.stringify({ code: reason }) });
  }
  expect(server.logged.join("\n")).not.toContain("look up");
});

test("[AUTH-8] what an application says of a user is held to the same bounds", async () => {
  const yearMs = 366 * 24 * 3_600_000;
  await using server = await startServer({
    settings: {
      authenticator: createHookAuthenticator((token) => {
        switch (token) {
          case "past":
            return { userId: "ada", expiresAtMs: Date.now() - 1 };
          case "no-time":
            return { userId: "ada", expiresAtMs: Number.NaN };
          case "too-long":
            return { userId: "ada", expiresAtMs: Date.now() + 2 * yearMs };
          case "nobody":
            return { userId: "" };
          case "long":
            return { userId: "u".repeat(129) };
          case "long-name":
            return { userId: "ada", userName: "u".repeat(129) };
          default:
            return { userId: "u".repeat(128), expiresAtMs: Date.now() + 60_000 };
        }
      }),
    },
  });
  for (const [token, code] of [
    ["past", "token_expired"],
    ["no-time", "token_expired"],
    ["too-long", "bad_token"],
    ["nobody", "bad_token"],
    ["long", "bad_token"],
    ["long-name", "bad_token"],
    ["good", undefined],
  ] as const) {
    const answer = await fetch(`${server.url}/api/ws/rooms`, bearer(token));
    const told = (await answer.json()) as { code?: string };
    expect([token, answer.status, told.code]).toEqual([token, code === undefined ? 200 : 401, code]);
  }
});

test("the manager takes tokens too, and lets in as they are those whom the application names", async () => {
  await using started = await startManager({
    authenticator: await configuredAuthenticator({ authJwtSecret: SECRET }),
  });
  const { manager } = started;
  const token = await tokenOf("ada", { jti: "t1" });
  await using client = await openClient(`${started.ws}/api/ws/query`, bearer(token));
  expect((await client.next("connection_ack")).payload.user_id).toBe("ada");
  await using stranger = await openClient(`${started.ws}/api/ws/query?user_id=ada`);
  expect((await stranger.next("connection_ack")).payload.user_id).toBeNull();
  expect(await manager.revoke({ tokenId: "t1" })).toBe(1);
  expect((await client.closed).code).toBe(4401);
});
