import { once } from "node:events";
import { ADMIN_ACTIONS } from "@sparql-live/protocol/admin";
import { CLIENT_PAYLOADS } from "@sparql-live/protocol/schemas";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createLog } from "../log.js";
import { readSettings } from "../settings/read.js";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { CITIES } from "../testing/start-server.js";
import { openClient, type TestClient } from "../testing/test-client.js";
import { tokenOf, WITH_SECRET } from "../testing/tokens.js";
import { createServer } from "./server.js";

const CANARY = "canary-41d8a0c7";
const ADMIN_KEY = `${CANARY}-${"k".repeat(32)}`;
const SECRET = `${CANARY} that signs tokens, of more than 32 bytes`;
/** As nginx sends them, with a client that writes into them what it likes. */
const FORWARDED = {
  "x-forwarded-for": `${CANARY}, 198.51.100.7`,
  "x-forwarded-proto": "https",
  "x-forwarded-host": CANARY,
  "x-real-ip": CANARY,
  cookie: `session=${CANARY}`,
};
const QUERY = new URLSearchParams({ token: CANARY, access_token: CANARY, api_key: CANARY, key: CANARY });

/** What tells a failure: acknowledgements and invitations are secrets that are told to who may have them. */
function errorsOf({ raw }: TestClient): string[] {
  return (raw as readonly { type: string }[])
    .filter(({ type }) => type === "error_message" || type === "validation_error")
    .map((message) => JSON.stringify(message));
}

const secretMembers = {
  token: CANARY,
  resume_token: CANARY,
  invite: CANARY,
  api_key: CANARY,
  password: CANARY,
  headers: { authorization: CANARY },
};

/** Every message of a client, with secrets where they belong and where not, and of the wrong kinds. */
async function sayEverything(client: TestClient): Promise<string[]> {
  await client.next("connection_ack");
  for (const type of Object.keys(CLIENT_PAYLOADS)) {
    if (type === "authenticate") continue;
    for (const payload of [
      secretMembers,
      { ...secretMembers, room_id: "lab", query_id: "q" },
      { token: [CANARY] },
    ]) {
      client.send(type, payload, { message_id: `${type}-1`, token: CANARY });
      // A good one between keeps the connection: bad ones in a row close it.
      client.send("ping", {}, { message_id: "p" });
    }
  }
  client.send("query_request", {
    sparql: "ASK {}",
    endpoint_url: `https://u:${CANARY}@example.org/?key=${CANARY}`,
  });
  client.sendRaw(`{"type": "authenticate", "payload": {"token": "${CANARY}`);
  client.send("ping", {}, { message_id: "last" });
  await expect
    .poll(() => client.log.some((each) => each.type === "pong" && each.correlation_id === "last"), {
      timeout: 20_000,
    })
    .toBe(true);
  return errorsOf(client);
}

test("[LOG-1] [AUTH-16] with authentication no secret is told or logged, whichever way it comes", {
  timeout: 60_000,
}, async () => {
  const logged: string[] = [];
  const log = createLog("trace", { write: (line: string) => void logged.push(line) });
  const server = await createServer(
    {
      ...readSettings(),
      port: 0,
      ...WITH_SECRET,
      authJwtSecret: SECRET,
      adminKey: ADMIN_KEY,
      adminKeyInAddress: true,
      rateLimitPerMinute: 0,
      trustedProxies: ["127.0.0.1"],
    },
    { engine: createMemoryEngine(CITIES), log },
  );
  const url = await server.listen();
  const ws = `${url.replace("http", "ws")}/api/ws`;
  const good = await tokenOf("ada", {}, SECRET);
  const root = await tokenOf("root", { role: "admin" }, SECRET);
  const texts: string[] = [];
  const secrets = [CANARY, good, root];
  const from = (address: string, shown: string) => ({
    ...FORWARDED,
    "x-forwarded-for": `${CANARY}, ${address}`,
    authorization: `Bearer ${shown}`,
  });

  const { paths } = (await (await fetch(`${url}/docs/json`)).json()) as { paths: Record<string, object> };
  const bodies = [
    undefined,
    JSON.stringify({ url: `https://ada:${CANARY}@example.org/`, basic: { user: "ada", password: CANARY } }),
    JSON.stringify({
      url: "https://example.org/",
      headers: { "x key": CANARY, host: CANARY },
      title: [CANARY],
    }),
    JSON.stringify({ url: "https://example.org/", headers: { "x-key": `${CANARY}\n` } }),
    `{"token": "${CANARY}`,
  ];
  let count = 0;
  for (const [path, item] of Object.entries(paths)) {
    for (const method of Object.keys(item)) {
      for (const shown of [CANARY, good, ADMIN_KEY]) {
        for (const body of method === "post" ? bodies : [undefined]) {
          // Ten wrong keys of an address would end what is looked at.
          const headers = from(`198.51.100.${++count % 250}`, shown);
          const address = `${url}${path.replace(/\{\w+\}/, "lab")}?${QUERY}`;
          const answer = await fetch(address, {
            method,
            headers: { ...headers, "content-type": "application/json" },
            ...(body === undefined ? {} : { body }),
          });
          const text = await answer.text();
          if (!answer.ok || path.endsWith("metrics")) texts.push(text);
        }
      }
    }
  }
  const registered = await fetch(`${url}/api/endpoints`, {
    method: "POST",
    headers: { ...from("198.51.100.1", good), "content-type": "application/json" },
    body: JSON.stringify({
      url: "https://example.org/",
      basic: { user: "ada", password: CANARY },
      headers: { "x-key": CANARY },
    }),
  });
  expect(registered.status).toBe(200);
  texts.push(
    await registered.text(),
    await (await fetch(`${url}/api/endpoints`, { headers: from("198.51.100.1", good) })).text(),
  );

  const issued = await fetch(`${url}/api/ws/tickets`, {
    method: "POST",
    headers: from("198.51.100.1", good),
  });
  const { ticket } = (await issued.json()) as { ticket: string };
  await using client = await openClient(`${ws}/room/lab?ticket=${ticket}&${QUERY}`, { headers: FORWARDED });
  secrets.push(ticket);
  texts.push(...(await sayEverything(client)));
  for (const shown of [CANARY, ticket]) {
    await using refused = await openClient(`${ws}/query?ticket=${shown}&${QUERY}`, { headers: FORWARDED });
    texts.push((await refused.closed).reason);
    await using wrong = await openClient(`${ws}/query?${QUERY}`, { headers: FORWARDED });
    wrong.send("authenticate", { token: shown }, { token: CANARY });
    texts.push((await wrong.closed).reason, ...errorsOf(wrong));
  }
  for (const protocols of [[`sparql-live.key.${CANARY}`], ["sparql-live.v1.json", CANARY]]) {
    const options = { headers: FORWARDED };
    const [, refused] = await once(new WebSocket(`${ws}/admin`, protocols, options), "unexpected-response");
    texts.push(String((await refused.toArray()).join("")));
  }
  for (const [query, headers] of [
    ["", from("198.51.100.1", root)],
    [`?api_key=${ADMIN_KEY}`, FORWARDED],
  ] as const) {
    await using admin = await openClient(`${ws}/admin${query}`, { headers });
    for (const action of Object.keys(ADMIN_ACTIONS)) {
      if (action === "drain") continue;
      for (const members of [secretMembers, { ...secretMembers, message: CANARY, level: [CANARY] }]) {
        admin.sendRaw(JSON.stringify({ action, ...members }));
        admin.sendRaw('{"type": "ping"}');
      }
    }
    admin.sendRaw(JSON.stringify({ action: "broadcast", message: CANARY, message_id: "last" }));
    const isLast = (each: unknown) => (each as { correlation_id?: string }).correlation_id === "last";
    await expect.poll(() => admin.raw.some(isLast), { timeout: 20_000 }).toBe(true);
    texts.push(...errorsOf(admin));
  }
  for (const path of ["/metrics", "/api/ws/metrics"])
    texts.push(await (await fetch(url + path, { headers: from("198.51.100.1", good) })).text());
  await server.close();

  expect(texts.length).toBeGreaterThan(80);
  expect(logged.length).toBeGreaterThan(150);
  expect(logged.join("")).toContain("198.51.100.7");
  for (const told of [...texts, ...logged]) {
    for (const secret of secrets) expect(told.includes(secret), told).toBe(false);
  }
});
