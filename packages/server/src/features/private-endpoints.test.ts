import { readFile, stat } from "node:fs/promises";
import type { AnswerRequest } from "@sparql-live/engine";
import { expect, test } from "vitest";
import { openFileStorage } from "../file-storage.js";
import { SERVER_LIMITS } from "../limits.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { openAs } from "../testing/room-clients.js";
import { CITIES, startServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { bearer, tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { createVault, secretOfFile } from "../vault.js";

const CANARY = "canary-91d0-token";
const FIRST_KEY = "first".repeat(8);
const SECOND_KEY = "second".repeat(8);
const URL_OF_IT = "https://graph.example.org/sparql";

/** An engine that keeps what it was asked. */
function listeningEngine() {
  const engine = createMemoryEngine(CITIES);
  const asked: AnswerRequest[] = [];
  return {
    asked,
    engine: {
      ...engine,
      answer: (request: AnswerRequest, signal: AbortSignal) => {
        asked.push(request);
        return engine.answer(request, signal);
      },
    },
  };
}

async function call(url: string, method: string, body?: unknown) {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("[DATA-3] credentials are sent with the queries of who registered them, sealed in the file, and told to nobody", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db");
  const storage = await openFileStorage(path);
  const { engine, asked } = listeningEngine();
  const told: string[] = [];
  {
    await using server = await startServer({
      engine,
      storage,
      settings: { vault: createVault(FIRST_KEY) },
    });
    const address = `${server.url}/api/endpoints?user_id=ada`;
    const made = await call(address, "POST", {
      url: URL_OF_IT,
      headers: { "X-Api-Key": CANARY },
      basic: { user: "ada", password: CANARY },
    });
    expect(made).toMatchObject({
      status: 200,
      body: { title: "graph.example.org", room_id: null, has_credentials: true },
    });
    told.push(JSON.stringify(made), JSON.stringify(await call(address, "GET")));
    const id = String(made.body.endpoint_id);

    await using ada = await openAs(server, "ada");
    ada.send("query_request", { sparql: "SELECT ?s { ?s ?p ?o }", endpoint_id: id }, { message_id: "q1" });
    await ada.run("q1");
    const basic = `Basic ${Buffer.from(`ada:${CANARY}`).toString("base64")}`;
    expect(asked.at(-1)).toMatchObject({
      endpointUrl: URL_OF_IT,
      endpointHeaders: { "X-Api-Key": CANARY, authorization: basic },
    });
    expect(asked.at(-1)?.endpointId).toBeUndefined();

    await using bob = await openAs(server, "bob");
    bob.send("query_request", { sparql: "SELECT ?s { ?s ?p ?o }", endpoint_id: id }, { message_id: "q2" });
    expect((await bob.next("error_message")).payload).toMatchObject({
      code: "endpoint_not_found",
      query_id: "q2",
    });
    const foreign = `${server.url}/api/endpoints/${id}?user_id=bob`;
    expect(await call(foreign, "DELETE")).toMatchObject({
      status: 404,
      body: { code: "endpoint_not_found" },
    });
    expect(await call(`${server.url}/api/endpoints?user_id=bob`, "GET")).toMatchObject({
      body: { endpoints: [] },
    });
    told.push(...server.logged, ...ada.raw.map((message) => JSON.stringify(message)));
    told.push(...bob.raw.map((message) => JSON.stringify(message)));
    told.push(await (await fetch(`${server.url}/metrics`)).text());
  }
  await storage.close();
  told.push(await readFile(path, "latin1"));
  expect(told.join("\n")).toContain(URL_OF_IT);
  const basic = Buffer.from(`ada:${CANARY}`).toString("base64");
  for (const hidden of [CANARY, basic]) expect(told.join("\n")).not.toContain(hidden);
});

test("[DATA-3] with authentication an endpoint is its user's by the token, whatever the address says", async () => {
  await using server = await startServer({ engine: listeningEngine().engine, settings: WITH_SECRET });
  const address = `${server.url}/api/endpoints?user_id=ada`;
  const [ada, eve] = [bearer(await tokenOf("ada")).headers, bearer(await tokenOf("eve")).headers];
  const made = await fetch(address, {
    method: "POST",
    headers: { ...ada, "content-type": "application/json" },
    body: JSON.stringify({ url: URL_OF_IT }),
  });
  const { endpoint_id: id } = (await made.json()) as { endpoint_id: string };
  const listOf = async (headers: Record<string, string>) =>
    ((await (await fetch(address, { headers })).json()) as { endpoints: unknown[] }).endpoints;
  expect(await listOf(eve)).toEqual([]);
  expect(await listOf(ada)).toHaveLength(1);
  const one = `${server.url}/api/endpoints/${id}?user_id=ada`;
  expect((await fetch(one, { method: "DELETE", headers: eve })).status).toBe(404);
  expect((await fetch(one, { method: "DELETE", headers: ada })).status).toBe(200);
});

test("[DATA-3] who asks is not said: refused with what to do", async () => {
  await using server = await startServer({ engine: listeningEngine().engine });
  const { status, body } = await call(`${server.url}/api/endpoints`, "GET");
  expect([status, body.code]).toEqual([400, "bad_request"]);
  expect(body.detail).toContain("user_id");
});

test("[DATA-3] an endpoint of a room is for queries in that room, and goes with it", async () => {
  const { engine, asked } = listeningEngine();
  await using server = await startServer({ engine });
  await server.server.live.rooms.create({ id: "lab", ownerId: "ada", defaultRole: "viewer" });
  const made = await call(`${server.url}/api/endpoints?user_id=ada`, "POST", {
    url: URL_OF_IT,
    room_id: "lab",
    headers: { "X-Api-Key": "k" },
  });
  const id = String(made.body.endpoint_id);
  const asViewer = await call(`${server.url}/api/endpoints?user_id=bob`, "POST", {
    url: URL_OF_IT,
    room_id: "lab",
  });
  expect(asViewer).toMatchObject({ status: 403, body: { code: "role_forbidden" } });
  expect(await call(`${server.url}/api/endpoints?user_id=bob&room_id=lab`, "GET")).toMatchObject({
    body: { endpoints: [{ endpoint_id: id, has_credentials: true }] },
  });
  await server.server.live.rooms.open("lab");
  await using ada = await openAs(server, "ada", { room: "lab" });
  await ada.next("join_room");
  await using carl = await openAs(server, "carl", { room: "lab" });
  await carl.next("join_room");
  ada.send("room_member_update", { room_id: "lab", user_id: "carl", action: "role", role: "editor" });
  await carl.next("room_member_update");
  const sparql = "SELECT ?s { ?s ?p ?o }";
  carl.send("query_request", { sparql, endpoint_id: id, room_id: "lab" }, { message_id: "q1" });
  await carl.run("q1");
  expect(asked.at(-1)).toMatchObject({ endpointUrl: URL_OF_IT, endpointHeaders: { "X-Api-Key": "k" } });
  carl.send("query_request", { sparql, endpoint_id: id }, { message_id: "q2" });
  expect((await carl.next("error_message")).payload.code).toBe("endpoint_not_found");
  await server.server.live.rooms.delete("lab");
  expect(await call(`${server.url}/api/endpoints?user_id=ada`, "GET")).toMatchObject({
    body: { endpoints: [] },
  });
});

test("[DATA-4] with the former key listed credentials are opened and sealed anew; without it they are not opened", async () => {
  await using folder = await temporaryFolder();
  const storage = await openFileStorage(folder.path("store.db"));
  let id = "";
  const ask = async (vault: ReturnType<typeof createVault>, count: number) => {
    const { engine, asked } = listeningEngine();
    await using server = await startServer({ engine, storage, settings: { vault } });
    if (count === 0) {
      const body = { url: URL_OF_IT, headers: { "X-Api-Key": CANARY } };
      const made = await call(`${server.url}/api/endpoints?user_id=ada`, "POST", body);
      id = String(made.body.endpoint_id);
    }
    await using ada = await openAs(server, "ada");
    ada.send("query_request", { sparql: "ASK { ?s ?p ?o }", endpoint_id: id }, { message_id: "q" });
    const answer = await ada.nextOf("query_result", "error_message");
    return { code: answer.type === "error_message" ? answer.payload.code : null, asked };
  };
  expect((await ask(createVault(FIRST_KEY), 0)).asked).toHaveLength(1);
  expect(await ask(createVault(SECOND_KEY), 1)).toMatchObject({ code: "unavailable", asked: [] });
  const rotated = await ask(createVault(SECOND_KEY, [FIRST_KEY]), 2);
  expect(rotated.asked).toMatchObject([{ endpointHeaders: { "X-Api-Key": CANARY } }]);
  expect((await ask(createVault(SECOND_KEY), 3)).asked).toHaveLength(1);
  await storage.close();
});

test("[DATA-4] what the vault sealed is opened for the same thing alone, and not when a bit was changed", () => {
  const vault = createVault(FIRST_KEY);
  const sealed = vault.seal(CANARY, "a");
  expect(vault.open(sealed, "a")).toEqual({ plaintext: CANARY, isOutdated: false });
  expect(vault.open(sealed, "b")).toBeNull();
  expect(createVault(SECOND_KEY).open(sealed, "a")).toBeNull();
  const [version, key, data = ""] = sealed.split(".");
  const bytes = Buffer.from(data, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(vault.open([version, key, changed.toString("base64url")].join("."), "a")).toBeNull();
  }
  for (const none of ["", "v1", "v1..", `v2.${key}.${data}`]) expect(vault.open(none, "a")).toBeNull();
});

test("[DATA-4] the key file is made for this user alone, and read again", async () => {
  await using folder = await temporaryFolder();
  const path = folder.path("store.db.key");
  const secret = secretOfFile(path);
  expect(secret.length).toBeGreaterThanOrEqual(SERVER_LIMITS.minSecretKeyCharacters);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(secretOfFile(path)).toBe(secret);
});

test("[DATA-3] a user registers 50 endpoints at most, and neither addresses nor headers that cannot be used", async () => {
  await using server = await startServer();
  const address = `${server.url}/api/endpoints?user_id=ada`;
  const wrong = [
    { url: "ftp://example.org/" },
    { url: "https://ada:secret@example.org/" },
    { url: "no address" },
    { url: URL_OF_IT, headers: { host: "x" } },
    { url: URL_OF_IT, headers: { "a b": "x" } },
    { url: URL_OF_IT, headers: { a: "x\r\ny: z" } },
  ];
  for (const body of wrong) expect(await call(address, "POST", body)).toMatchObject({ status: 400 });
  for (let count = 0; count < SERVER_LIMITS.endpointsPerUserCount; count++) {
    expect((await call(address, "POST", { url: URL_OF_IT })).status).toBe(200);
  }
  expect(await call(address, "POST", { url: URL_OF_IT })).toMatchObject({
    status: 400,
    body: { code: "bad_request" },
  });
});
