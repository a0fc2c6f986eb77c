import type { AddressInfo } from "node:net";
import accepts from "@fastify/accepts";
import formbody from "@fastify/formbody";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { Validator } from "@seriousme/openapi-schema-validator";
import Fastify, { type FastifyInstance } from "fastify";
import { pino } from "pino";
import { Compile } from "typebox/schema";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../testing/memory-engine.js";
import { CITIES, startServer } from "../testing/start-server.js";
import { type SparqlLiveOptions, sparqlLive } from "./plugin.js";

type Content = Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
  readonly security?: unknown;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

async function documentAt(url: string): Promise<Document> {
  return (await (await fetch(`${url}/docs/json`)).json()) as Document;
}

interface Host extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  /** Method and path of every route. */
  readonly routes: readonly string[];
}

/** An application of somebody else's with sparql-live under a prefix; `around` is what it has of its own. */
async function startHost(
  options: SparqlLiveOptions & { readonly prefix?: string },
  around: (app: FastifyInstance, mount: () => Promise<void>) => Promise<void> = (_app, mount) => mount(),
): Promise<Host> {
  const app = Fastify();
  const routes: string[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.push(`${each} ${url}`);
  });
  await around(app, async () => {
    await app.register(sparqlLive, { log: pino({ level: "silent" }), ...options });
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { app, routes, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

function operationsOf({ paths }: Document): readonly (Operation & { readonly name: string })[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      ...operation,
    })),
  );
}

/** Checks a value against a schema as it stands in a document. */
function fits(document: Document, schema: unknown, value: unknown): boolean {
  return Compile({ ...(schema as object), components: document.components }).Check(value);
}

test("[HTTP-24] /docs/json is an OpenAPI 3.1 document that a validator accepts, with and without an engine", async () => {
  for (const engine of [createMemoryEngine(CITIES), null]) {
    await using host = await startHost({ engine });
    const document = await documentAt(host.url);
    expect(document.openapi).toBe("3.1.0");
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
    expect("/sparql" in document.paths).toBe(engine !== null);
    expect("/api/ws/rooms" in document.paths).toBe(true);
  }
});

test("[HTTP-24] every route that is no file and no document is described", async () => {
  await using host = await startHost({ engine: createMemoryEngine(CITIES), page: false });
  const described = operationsOf(await documentAt(host.url)).map(({ name }) => name);
  const mounted = host.routes
    .filter((route) => !/^(HEAD|OPTIONS) |(\/docs|\/asyncapi\/)/.test(route))
    .map((route) =>
      route
        .replace("/rooms/*", "/rooms/{room_id}")
        .replace("/users/*", "/users/{id}/data")
        .replace(/:(\w+)/g, "{$1}"),
    );
  expect(described.sort()).toEqual(mounted.sort());
  expect(described.length).toBeGreaterThan(15);
});

test("[HTTP-24] operations have names of their own, and their problems are described", async () => {
  await using server = await startServer();
  const document = await documentAt(server.url);
  const operations = operationsOf(document);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  const problems = operations.flatMap(({ responses }) =>
    Object.entries(responses).filter(
      ([status, { content }]) => status >= "400" && !content?.["application/json"],
    ),
  );
  expect(problems.length).toBeGreaterThan(20);
  for (const [, { content }] of problems) {
    expect(content).toEqual({
      "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
    });
  }
  expect(document.paths["/api/ws/connections"]?.get?.security).toEqual([{ adminKey: [] }]);
  expect(document.paths["/api/ws/rooms"]?.post?.requestBody?.required).toBe(false);
  expect(document.paths["/sparql"]?.post?.requestBody?.required).toBe(true);
});

test.each([
  ["/api/ws/rooms", "/api/ws/rooms", "get"],
  ["/api/ws/rooms?room_id=made", "/api/ws/rooms", "post"],
  ["/api/ws/rooms?room_id=lab", "/api/ws/rooms", "post"],
  ["/api/ws/rooms/lab", "/api/ws/rooms/{room_id}", "get"],
  ["/api/ws/rooms/nope", "/api/ws/rooms/{room_id}", "get"],
  ["/api/ws/rooms/lab", "/api/ws/rooms/{room_id}", "delete"],
  ["/api/ws/connections", "/api/ws/connections", "get"],
  ["/api/ws/connections?limit=0", "/api/ws/connections", "get"],
  ["/api/ws/metrics", "/api/ws/metrics", "get"],
  ["/healthz", "/healthz", "get"],
  ["/readyz", "/readyz", "get"],
  ["/api/examples", "/api/examples", "get"],
  ["/api/examples?endpoint=nope", "/api/examples", "get"],
  ["/text2sparql?dataset=local&question=all+cities", "/text2sparql", "get"],
  ["/text2sparql?dataset=local&question=Wozu", "/text2sparql", "get"],
  ["/.well-known/void?endpoint=nope", "/.well-known/void", "get"],
  ["/sparql?query=ASK%7B%7D&query=ASK%7B%7D", "/sparql", "get"],
  ["/sparql?query=ASK%7B", "/sparql", "get"],
  ["/asyncapi", "/asyncapi", "get"],
])("[HTTP-24] what %s answers is what the document says of %s (%s)", async (path, described, method) => {
  const adminKey = "a".repeat(32);
  await using server = await startServer({ settings: { adminKey } });
  await server.server.live.rooms.create({ id: "lab" });
  const document = await documentAt(server.url);
  const response = await fetch(server.url + path, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${adminKey}`, accept: "*/*" },
  });
  const told = document.paths[described]?.[method]?.responses[String(response.status)]?.content;
  const mediaType = response.headers.get("content-type")?.split(";")[0] ?? "";
  expect(Object.keys(told ?? {})).toContain(mediaType);
  expect(fits(document, told?.[mediaType]?.schema, await response.json())).toBe(true);
});

test.each(["", "/kg"])(
  "[HTTP-24] the page under %j works under its policy: ours, and pictures of its style sheet",
  async (prefix) => {
    await using host = await startHost({ engine: null, ...(prefix === "" ? {} : { prefix }) });
    for (const address of [`${host.url}${prefix}/docs`, `${host.url}${prefix}/docs/`]) {
      const response = await fetch(address);
      expect([response.status, response.headers.get("content-type")]).toEqual([
        200,
        "text/html; charset=utf-8",
      ]);
      expect(response.headers.get("content-security-policy")).toBe(
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:",
      );
      const page = await response.text();
      expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/i);
      const parts = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path ?? "");
      expect(parts.length).toBeGreaterThan(4);
      for (const part of parts) {
        const file = await fetch(new URL(part, address));
        expect([file.status, (await file.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
      }
    }
    const { servers, paths } = await documentAt(host.url + prefix);
    expect(servers).toEqual([{ url: prefix === "" ? "/" : prefix }]);
    expect(Object.keys(paths)).toContain("/api/ws/rooms");
    const plain = await fetch(`${host.url}${prefix}/healthz`);
    expect(plain.headers.get("content-security-policy")).not.toContain("data:");
  },
);

const HOST_OPENAPI = { openapi: { openapi: "3.0.3", info: { title: "Host", version: "1" } } } as const;

async function mountOwn(app: FastifyInstance): Promise<void> {
  await app.register(accepts);
  await app.register(formbody);
  await app.register(swagger, HOST_OPENAPI);
  await app.register(swaggerUi, { routePrefix: "/docs" });
  app.get("/own", { schema: { operationId: "getRoom", tags: ["own"] } }, async () => "own");
}

test.each([
  [
    "after its own",
    async (app: FastifyInstance, mount: () => Promise<void>) => {
      await mountOwn(app);
      await mount();
    },
  ],
  [
    "before its own",
    async (app: FastifyInstance, mount: () => Promise<void>) => {
      await mount();
      await mountOwn(app);
    },
  ],
])(
  "[HTTP-26] mounted %s, an application's documentation stays as it is, and ours shows our routes alone",
  async (_, around) => {
    await using host = await startHost({ engine: createMemoryEngine(CITIES), prefix: "/kg" }, around);
    await using alone = await startHost({ engine: null, prefix: "/kg" }, async (app) => mountOwn(app));
    expect(await documentAt(host.url)).toEqual(await documentAt(alone.url));
    const { paths, openapi } = await documentAt(`${host.url}/kg`);
    expect(openapi).toBe("3.1.0");
    expect(paths).toHaveProperty(["/sparql"]);
    expect(Object.keys(paths)).not.toContain("/own");
    const own = await fetch(`${host.url}/docs`);
    expect([own.status, own.headers.get("content-security-policy")]).toEqual([200, null]);
    const negotiated = await fetch(`${host.url}/kg/asyncapi`, { headers: { accept: "text/html" } });
    expect(negotiated.headers.get("content-type")).toBe("text/html; charset=utf-8");
  },
);

test("[HTTP-26] to who has no key the application itself answers that there are no connections", async () => {
  await using host = await startHost({ engine: null, prefix: "/kg" });
  const hidden = await fetch(`${host.url}/kg/api/ws/connections`);
  const absent = await fetch(`${host.url}/kg/api/ws/connectionz`);
  expect([hidden.status, absent.status]).toEqual([404, 404]);
  expect((await hidden.text()).replace("/connections", "/connectionz")).toBe(await absent.text());
});
