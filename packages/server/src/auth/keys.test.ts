import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SettingsError } from "../settings/settings-error.js";
import { startServer, type TestServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openClient } from "../testing/test-client.js";
import { AUDIENCE, bearer, SECRET, startIssuer } from "../testing/tokens.js";
import { configuredAuthenticator } from "./configured.js";

const statusOf = async (server: TestServer, token: string) =>
  (await fetch(`${server.url}/api/ws/rooms`, bearer(token))).status;

test.each(["RS256", "ES256", "EdDSA"] as const)("[AUTH-8] tokens may be signed with %s", async (alg) => {
  await using issuer = await startIssuer(alg);
  await using server = await startServer({ settings: issuer.settings });
  expect(await statusOf(server, await issuer.sign())).toBe(200);
  expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/keys"]);
});

test("[AUTH-8] keys may be named by their address or come from a file", async () => {
  await using issuer = await startIssuer();
  await using folder = await temporaryFolder();
  const path = folder.path("keys.json");
  await writeFile(path, JSON.stringify({ keys: issuer.keys }));
  for (const authJwks of [`${issuer.url}/keys`, path]) {
    await using server = await startServer({ settings: { authJwks, authAudience: AUDIENCE } });
    expect(await statusOf(server, await issuer.sign())).toBe(200);
    expect(await statusOf(server, await issuer.sign({ aud: "other" }))).toBe(401);
  }
  expect(issuer.asked).toEqual(["/keys"]);
});

test("[AUTH-8] keys are asked for once, however many tokens come, and for unknown ones not again at once", async () => {
  await using issuer = await startIssuer();
  await using server = await startServer({ settings: issuer.settings });
  const good = await issuer.sign();
  const unknown = await issuer.sign({}, { kid: "two" });
  const statuses = await Promise.all(
    Array.from({ length: 20 }, (_, index) => statusOf(server, index % 2 === 0 ? good : unknown)),
  );
  expect(new Set(statuses)).toEqual(new Set([200, 401]));
  expect(issuer.asked.filter((path) => path === "/keys")).toHaveLength(1);
});

test("[GUARD-4] where discovery names keys at another private address, they are asked for only if that is allowed", async () => {
  await using issuer = await startIssuer();
  await using elsewhere = await startIssuer();
  issuer.document.jwks_uri = `${elsewhere.url}/keys`;
  const token = await issuer.sign();
  {
    await using server = await startServer({ settings: issuer.settings });
    expect(await statusOf(server, token)).toBe(503);
    expect(elsewhere.asked).toEqual([]);
  }
  elsewhere.keys.splice(0, elsewhere.keys.length, ...issuer.keys);
  await using server = await startServer({
    settings: { ...issuer.settings, allowedNetworks: ["127.0.0.0/8"] },
  });
  expect(await statusOf(server, token)).toBe(200);
  expect(elsewhere.asked).toEqual(["/keys"]);
});

test("[AUTH-7] where keys cannot be had nobody is let in, and told to try again; the issuer is not pestered", async () => {
  await using issuer = await startIssuer();
  issuer.fail();
  await using server = await startServer({ settings: issuer.settings });
  const token = await issuer.sign();
  const response = await fetch(`${server.url}/api/ws/rooms`, bearer(token));
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  await using client = await openClient(server.ws, bearer(token));
  expect(await client.closed).toEqual({ code: 1013, reason: '{"code":"unavailable"}' });
  await using later = await openClient(server.ws);
  later.send("authenticate", { token });
  expect((await later.closed).code).toBe(1013);
  expect(issuer.asked).toEqual(["/.well-known/openid-configuration"]);
});

test.each([
  ["is another issuer", { issuer: "https://other.example" }],
  ["names keys that come unencrypted from elsewhere", { jwks_uri: "http://keys.example/keys" }],
  ["names no keys", { jwks_uri: undefined }],
])("[AUTH-8] an issuer whose document says that it %s is not believed", async (_, change) => {
  await using issuer = await startIssuer();
  Object.assign(issuer.document, change);
  await using server = await startServer({ settings: issuer.settings });
  expect(await statusOf(server, await issuer.sign())).toBe(503);
  expect(issuer.asked).toEqual(["/.well-known/openid-configuration"]);
});

test("[AUTH-8] a key set that is too large is not read", async () => {
  await using issuer = await startIssuer();
  issuer.keys.push({ kty: "RSA", n: "x".repeat(256 * 1024) });
  await using server = await startServer({ settings: issuer.settings });
  expect(await statusOf(server, await issuer.sign())).toBe(503);
});

test.each([
  ["an audience without keys", { authAudience: AUDIENCE }, "want to know what signs tokens"],
  ["a secret and keys", { authJwtSecret: SECRET, authJwks: "https://a.example/k" }, "exclude each other"],
  ["a secret that is too short", { authJwtSecret: "x".repeat(31) }, "31 bytes"],
  ["an issuer without an audience", { authIssuer: "https://a.example" }, "authAudience"],
  ["an issuer that is reached unencrypted", { authIssuer: "http://a.example", authAudience: "x" }, "https"],
  ["keys that are reached unencrypted", { authJwks: "http://a.example/k", authAudience: "x" }, "https"],
  ["keys of another protocol", { authJwks: "file:///etc/passwd", authAudience: "x" }, "https"],
  ["a file that is not there", { authJwks: "/nowhere/keys.json", authAudience: "x" }, "cannot be read"],
  ["a client without an issuer", { authJwtSecret: SECRET, authClientId: "page" }, "authIssuer"],
])("[AUTH-14] %s is refused at the start", async (_, settings, words) => {
  const starting = configuredAuthenticator(settings);
  await expect(starting).rejects.toBeInstanceOf(SettingsError);
  await expect(starting).rejects.toThrow(words);
});

test("[AUTH-15] pages are told how to sign in, and nothing that is secret", async () => {
  await using issuer = await startIssuer();
  await using server = await startServer({ settings: { ...issuer.settings, authClientId: "workbench" } });
  const response = await fetch(`${server.url}/api/auth/config`);
  expect(await response.json()).toEqual({
    required: true,
    sign_in: {
      issuer: issuer.url,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
      client_id: "workbench",
      scopes: ["openid", "profile"],
    },
  });
  await using open = await startServer();
  expect(await (await fetch(`${open.url}/api/auth/config`)).json()).toEqual({
    required: false,
    sign_in: null,
  });
});
