import type { AddressInfo } from "node:net";
import { Parser } from "@asyncapi/parser";
import { CLIENT_PAYLOADS, SERVER_PAYLOADS } from "@sparql-live/protocol/schemas";
import Fastify from "fastify";
import { pino } from "pino";
import { Compile } from "typebox/schema";
import { expect, test } from "vitest";
import { startServer } from "../../testing/start-server.js";
import { openClient } from "../../testing/test-client.js";
import { sparqlLive } from "../plugin.js";

interface Reference {
  readonly $ref: string;
}

interface Document {
  readonly servers: { readonly this: { readonly host: string; readonly pathname?: string } };
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Reference>> }>
  >;
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly action: "send" | "receive";
        readonly channel: Reference;
        readonly messages: readonly Reference[];
      }
    >
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly contentType: string; readonly payload: Reference }>
    >;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

async function documentAt(url: string): Promise<Document> {
  return (await (await fetch(`${url}/asyncapi`)).json()) as Document;
}

function validatorOf({ components }: Document, name: string) {
  return Compile({ ...components.schemas[name], components });
}

test("[HTTP-25] /asyncapi is an AsyncAPI 3.0 document that the reference parser takes without an error", async () => {
  await using server = await startServer();
  const response = await fetch(`${server.url}/asyncapi`);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const { document, diagnostics } = await new Parser().parse(await response.text());
  expect(document?.version()).toBe("3.0.0");
  // That 3.1 is newer is all that it finds; 3.0 is what generators read.
  expect(diagnostics.map(({ code }) => code)).toEqual(["asyncapi-latest-version"]);
});

test("[HTTP-25] every type is there in its direction, on both channels, in both codecs", async () => {
  await using server = await startServer();
  const { channels, operations, components, servers } = await documentAt(server.url);
  expect(servers.this.host).toBe(new URL(server.url).host);
  expect(Object.values(channels).map(({ address }) => address)).toEqual([
    "/api/ws/query",
    "/api/ws/room/{room_id}",
  ]);
  const named = (from: string, payloads: object) =>
    Object.keys(payloads).flatMap((type) => [`${from}.${type}.json`, `${from}.${type}.msgpack`]);
  const expected = { receive: named("client", CLIENT_PAYLOADS), send: named("server", SERVER_PAYLOADS) };
  expect(Object.keys(operations)).toHaveLength(4);
  for (const { action, channel, messages } of Object.values(operations)) {
    expect(messages.map(({ $ref }) => $ref)).toEqual(
      expected[action].map((name) => `${channel.$ref}/messages/${name}`),
    );
  }
  for (const { messages } of Object.values(channels)) {
    expect(Object.keys(messages)).toEqual([...expected.receive, ...expected.send]);
  }
  for (const [name, { contentType }] of Object.entries(components.messages)) {
    expect(contentType).toBe(name.endsWith(".json") ? "application/json" : "application/vnd.msgpack");
  }
});

test("[HTTP-25] what a server says fits the document, in both codecs", async () => {
  await using server = await startServer();
  const document = await documentAt(server.url);
  const seen = new Set<string>();
  for (const protocols of [[], ["sparql-live.v1.msgpack"]]) {
    const address = `${server.url.replace("http", "ws")}/api/ws/room/lab?user_id=ada`;
    const queryId = `query-${protocols.length}`;
    await using ada = await openClient(address, { protocols });
    await ada.next("join_room");
    ada.send(
      "query_request",
      { sparql: "SELECT ?s ?name { ?s ?p ?name }", stream: true },
      { message_id: queryId },
    );
    await ada.run(queryId);
    ada.send("room_message", { room_id: "lab", message: 1 });
    await ada.next("ack");
    ada.send("nonsense");
    await ada.next("validation_error");
    ada.send("query_cancel", { query_id: "nope" });
    await ada.next("error_message");
    ada.send("endpoint_status");
    await ada.next("endpoint_status");
    for (const message of ada.raw) {
      const { type } = message as { type: string };
      seen.add(type);
      const fits = validatorOf(document, `server.${type}`).Check(message);
      expect(fits, JSON.stringify(message)).toBe(true);
    }
    ada.socket.close(1000);
    await ada.closed;
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(["connection_ack", "query_rows", "query_result", "query_progress", "join_room"]),
  );
});

test("[HTTP-25] of a client's message the document wants what the server wants, and no more", async () => {
  await using server = await startServer();
  const document = await documentAt(server.url);
  const ping = validatorOf(document, "client.ping");
  expect(ping.Check({ type: "ping" })).toBe(true);
  expect(ping.Check({ type: "pong" })).toBe(false);
  const join = validatorOf(document, "client.join_room");
  expect(join.Check({ type: "join_room", payload: { room_id: "lab" } })).toBe(true);
  expect(join.Check({ type: "join_room" })).toBe(false);
  expect(join.Check({ type: "join_room", payload: { room_id: "no room" } })).toBe(false);
  const rows = validatorOf(document, "server.query_rows");
  const message = (term: unknown) => ({
    type: "query_rows",
    message_id: "m",
    timestamp: 1,
    payload: { query_id: "q", seq: 0, rows: [{ s: term }] },
  });
  const uri = { type: "uri", value: "urn:a" };
  expect(rows.Check(message({ type: "triple", value: { subject: uri, predicate: uri, object: uri } }))).toBe(
    true,
  );
  expect(rows.Check(message({ type: "triple", value: { subject: uri, predicate: uri, object: 1 } }))).toBe(
    false,
  );
});

test.each([
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
  ["text/html, application/json", "text/html; charset=utf-8"],
  ["application/json, text/html", "application/json; charset=utf-8"],
  ["text/html;q=0.5, application/json", "application/json; charset=utf-8"],
  ["*/*", "application/json; charset=utf-8"],
])("[HTTP-25] Accept: %s gets %s", async (accept, contentType) => {
  await using server = await startServer();
  const response = await fetch(`${server.url}/asyncapi`, { headers: { accept } });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, contentType]);
  expect(response.headers.get("vary")).toBe("accept");
});

test("[HTTP-25] where neither is acceptable the answer is 406, and /asyncapi/json is always JSON", async () => {
  await using server = await startServer();
  const refused = await fetch(`${server.url}/asyncapi`, { headers: { accept: "image/png" } });
  expect([refused.status, await refused.json()]).toEqual([
    406,
    expect.objectContaining({ code: "not_acceptable", formats: ["application/json", "text/html"] }),
  ]);
  const json = await fetch(`${server.url}/asyncapi/json`, { headers: { accept: "text/html" } });
  expect(await json.json()).toEqual(await documentAt(server.url));
});

test("[HTTP-25] the page shows every message under the strict policy, without a script", async () => {
  await using server = await startServer();
  const address = `${server.url}/asyncapi`;
  const response = await fetch(address, { headers: { accept: "text/html" } });
  expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'self';(?!.*(unsafe|data:))/);
  const page = await response.text();
  expect(page).not.toMatch(/<script|<style|style=|\son\w+=/i);
  for (const type of Object.keys(CLIENT_PAYLOADS)) expect(page).toContain(`id="client-${type}"`);
  for (const type of Object.keys(SERVER_PAYLOADS)) expect(page).toContain(`id="server-${type}"`);
  for (const [, path = ""] of page.matchAll(/href="([^"#][^"]*)"/g)) {
    expect((await fetch(new URL(path, address))).status).toBe(200);
  }
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
});

test("[HTTP-25] mounted under a prefix the document says where, and without an engine it is there too", async () => {
  const app = Fastify();
  await app.register(sparqlLive, { prefix: "/kg", engine: null, log: pino({ level: "silent" }) });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const { servers } = await documentAt(`http://127.0.0.1:${port}/kg`);
  expect(servers.this).toMatchObject({ host: `127.0.0.1:${port}`, protocol: "ws", pathname: "/kg" });
  await app.close();
});
