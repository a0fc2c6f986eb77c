import { lookup } from "node:dns/promises";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type Resolve } from "@sparql-live/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineOptionsOf } from "../../packages/server/src/engine-options.js";
import { readSettings } from "../../packages/server/src/settings/read.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { openClient, type TestClient } from "../../packages/server/src/testing/test-client.js";
import { type LoopbackListener, listenOnLoopback } from "../support/loopback-listener.js";
import { ADDRESS_FORMS, RESOLVED } from "./address-forms.js";

/** The whole server, as it is started from settings; `victim` is what nobody may reach by way of it. */
interface Stage extends AsyncDisposable {
  readonly victim: LoopbackListener;
  readonly redirector: LoopbackListener;
  /** Where `redirector` leads from now on. */
  redirectTo(location: string): void;
  readonly client: TestClient;
}

const resolve: Resolve = async (host) => {
  const addresses = RESOLVED.get(host);
  if (addresses === undefined) return await lookup(host, { all: true });
  return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
};

async function setStage(flags: Readonly<Record<string, unknown>> = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "outgoing-"));
  const data = join(folder, "data.ttl");
  await writeFile(data, "<http://example.org/a> <http://example.org/p> 1 .");
  const victim = await listenOnLoopback((_request, response) => {
    response.setHeader("content-type", "application/sparql-results+json");
    response.end('{"head":{},"boolean":true}');
  });
  let location = "";
  const redirector = await listenOnLoopback((_request, response) => {
    response.writeHead(307, { location }).end();
  });
  const own = {
    adHocEndpoints: "true",
    rateLimitPerMinute: "0",
    port: "0",
    data: [data],
    cacheDir: join(folder, "cache"),
    endpoint: [
      `redirector=http://127.0.0.1:${redirector.port}/sparql`,
      `trusted=http://localhost:${victim.port}/trusted`,
    ],
  };
  const settings = readSettings({ flags: { ...own, ...flags } });
  const options = engineOptionsOf(settings);
  // What is probed would be hit.
  const entries = options.entries.map((entry) => ({ ...entry, probe: false }));
  const engine = createEngine({ ...options, entries, resolve });
  await engine.ready();
  const server = await startServer({ engine, settings });
  const client = await openClient(`${server.ws}?user_id=attacker`);
  return {
    victim,
    redirector,
    client,
    redirectTo: (target) => {
      // A header is ASCII; in a host the escapes of UTF-8 mean the same.
      location = target.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
    },
    async [Symbol.asyncDispose]() {
      for (const part of [client, server]) await part[Symbol.asyncDispose]();
      await engine.close();
      for (const part of [victim, redirector]) await part[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** The code with which a query fails; `undefined` where it is answered. */
async function failureOf(client: TestClient, request: object): Promise<string | undefined> {
  const { code } = (await askOf(client, request)) ?? {};
  return code;
}

let asked = 0;

async function askOf(client: TestClient, request: object) {
  asked += 1;
  const queryId = `q${asked}`;
  client.send("query_request", { timeout: 20, ...request }, { correlation_id: queryId });
  const messages = await client.run(queryId);
  return messages.find((message) => message.type === "error_message")?.payload;
}

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

test("the table has at least 60 forms, each once", () => {
  const hosts = ADDRESS_FORMS.map(({ host }) => host);
  expect(new Set(hosts).size).toBe(hosts.length);
  expect(hosts.length).toBeGreaterThanOrEqual(60);
});

describe.each(ADDRESS_FORMS)("the address $host ($what)", ({ host, code = "address_forbidden" }) => {
  const url = () => `http://${host}:${stage.victim.port}/sparql`;
  const refused = async (request: object, expected: string) => {
    const hitCount = stage.victim.hitCount();
    expect(await failureOf(stage.client, request)).toBe(expected);
    expect(stage.victim.hitCount() - hitCount).toBe(0);
  };

  test("[GUARD-2] is not asked as an endpoint", async () => {
    await refused({ sparql: "ASK {}", endpoint_url: url() }, code);
  });

  test("[GUARD-5] is not asked where an endpoint redirects to it", async () => {
    stage.redirectTo(url());
    const expected = code === "bad_request" ? "upstream_error" : code;
    await refused({ sparql: "ASK {}", endpoint_id: "redirector" }, expected);
  });

  test("[GUARD-7] is not asked by SERVICE", async () => {
    await refused({ sparql: `SELECT * { SERVICE SILENT <${url()}> { ?s ?p ?o } }` }, "service_forbidden");
  });

  test("[GUARD-8] is not asked by LOAD", async () => {
    await refused({ sparql: `LOAD <${url()}>` }, "read_only");
  });

  test("[GUARD-8] is not asked by FROM", async () => {
    await refused({ sparql: `SELECT * FROM <${url()}> { ?s ?p ?o }` }, "graph_forbidden");
  });
});

const SERVICE_QUERIES = [
  "SELECT * { SERVICE URL { ?s ?p ?o } }",
  "SELECT * { service silent URL { ?s ?p ?o } }",
  "SELECT * { OPTIONAL { SERVICE URL { ?s ?p ?o } } }",
  "SELECT * { { ?s ?p ?o } UNION { SERVICE SILENT URL { ?s ?p ?o } } }",
  "SELECT * { ?s ?p ?o MINUS { SERVICE URL { ?s ?p ?o } } }",
  "SELECT * { GRAPH ?g { SERVICE URL { ?s ?p ?o } } }",
  "SELECT * { { SELECT ?s { SERVICE SILENT URL { ?s ?p ?o } } } }",
  "SELECT * { { SELECT ?s { { SELECT ?s { OPTIONAL { SERVICE URL { ?s ?p ?o } } } } } } }",
  "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE URL { ?s ?p ?o } } }",
  "SELECT * { ?s ?p ?o FILTER NOT EXISTS { SERVICE SILENT URL { ?s ?p ?o } } }",
  "SELECT * { ?s ?p ?o FILTER (1 = 1 || EXISTS { SERVICE URL { ?s ?p ?o } }) }",
  "SELECT * { ?s ?p ?o BIND (EXISTS { SERVICE URL { ?s ?p ?o } } AS ?b) }",
  "SELECT (EXISTS { SERVICE URL { ?s ?p ?o } } AS ?b) { }",
  "SELECT ?s { ?s ?p ?o } ORDER BY (EXISTS { SERVICE URL { ?s ?p ?o } })",
  "SELECT ?s { ?s ?p ?o } GROUP BY ?s HAVING (EXISTS { SERVICE URL { ?s ?p ?o } })",
  "SELECT * { BIND (URL AS ?url) SERVICE ?url { ?s ?p ?o } }",
  "SELECT * { VALUES ?url { URL } SERVICE SILENT ?url { ?s ?p ?o } }",
  "SELECT * { SERVICE URL { SERVICE URL { ?s ?p ?o } } }",
  "PREFIX e: URL SELECT * { SERVICE e: { ?s ?p ?o } }",
  "BASE URL SELECT * { SERVICE <> { ?s ?p ?o } }",
  "ASK { SERVICE URL { ?s ?p ?o } }",
  "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE URL { ?s ?p ?o } }",
  "DESCRIBE ?s { SERVICE URL { ?s ?p ?o } }",
  // A comment, and a literal, that end only where escapes are read before the rest (SPARQL 1.1, 19.2).
  "SELECT * { ?s ?p ?o #\\u000a SERVICE URL { ?s ?p ?o }\n }",
  'SELECT * { ?s ?p "\\u0022 . SERVICE URL { ?s ?p ?o } } #" }',
];

test.each(["local", "trusted"])(
  "[GUARD-7] SERVICE is refused wherever it stands, before the endpoint %s is asked",
  async (endpoint) => {
    const url = `<http://127.0.0.1:${stage.victim.port}/sparql>`;
    const hitCount = stage.victim.hitCount();
    for (const query of SERVICE_QUERIES) {
      const request = { sparql: query.replaceAll("URL", url), endpoint_id: endpoint };
      expect([query, await failureOf(stage.client, request)]).toEqual([query, "service_forbidden"]);
    }
    expect(stage.victim.hitCount() - hitCount).toBe(0);
  },
);

const GRAPH_REQUESTS = [
  ["SELECT * FROM URL { ?s ?p ?o }", "graph_forbidden"],
  ["SELECT * FROM NAMED URL { GRAPH ?g { ?s ?p ?o } }", "graph_forbidden"],
  ["PREFIX e: URL ASK FROM e: { ?s ?p ?o }", "graph_forbidden"],
  ["BASE URL CONSTRUCT { ?s ?p ?o } FROM <> WHERE { ?s ?p ?o }", "graph_forbidden"],
  ["DESCRIBE <http://example.org/a> FROM NAMED URL", "graph_forbidden"],
  ["LOAD URL", "read_only"],
  ["LOAD SILENT URL INTO GRAPH <http://example.org/g>", "read_only"],
  ["INSERT DATA { } ; LOAD URL", "read_only"],
] as const;

test.each(GRAPH_REQUESTS)("[GUARD-8] %s is refused with %s, and nothing is fetched", async (query, code) => {
  const url = `<http://127.0.0.1:${stage.victim.port}/data.ttl>`;
  const hitCount = stage.victim.hitCount();
  expect(await failureOf(stage.client, { sparql: query.replaceAll("URL", url) })).toBe(code);
  expect(stage.victim.hitCount() - hitCount).toBe(0);
});

test("[GUARD-3] a refusal tells the name that was given, and no address", async () => {
  const url = `http://metadata.test:${stage.victim.port}/sparql`;
  const failure = await askOf(stage.client, { sparql: "ASK {}", endpoint_url: url });
  expect(failure?.error).toContain("metadata.test");
  expect(JSON.stringify(failure)).not.toContain("169.254");
});

// From here on the victim is hit: these show that it counts, and each uses a stage of its own.

test("[GUARD-4] an endpoint that was configured on loopback is asked, by its id and by its address", async () => {
  await using own = await setStage();
  const url = `http://localhost:${own.victim.port}/trusted`;
  expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_id: "trusted" })).toBeUndefined();
  expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_url: url })).toBeUndefined();
  expect(own.victim.hitCount()).toBeGreaterThan(0);
});

test.each([["127.0.0.0/8"], ["loopback.test"]])(
  "[GUARD-6] with allowedNetworks %s the server asks there, as an endpoint and after a redirect",
  async (network) => {
    await using own = await setStage({ allowedNetworks: [network] });
    const url = `http://loopback.test:${own.victim.port}/sparql`;
    own.redirectTo(url);
    expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_id: "redirector" })).toBeUndefined();
    const hitCount = own.victim.hitCount();
    expect(hitCount).toBe(1);
    expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_url: url })).toBeUndefined();
    expect(own.victim.hitCount()).toBe(2);
    const other = `http://loopback6.test:${own.victim.port}/sparql`;
    expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_url: other })).toBe("address_forbidden");
  },
);

test("[GUARD-1] without adHocEndpoints no address is asked, but that of a configured endpoint", async () => {
  await using own = await setStage({ adHocEndpoints: "false", allowedNetworks: ["127.0.0.0/8"] });
  const url = `http://127.0.0.1:${own.victim.port}/trusted`;
  expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_url: url })).toBe("endpoint_forbidden");
  expect(own.victim.hitCount()).toBe(0);
  const known = url.replace("127.0.0.1", "localhost");
  expect(await failureOf(own.client, { sparql: "ASK {}", endpoint_url: known })).toBeUndefined();
  expect(own.victim.hitCount()).toBe(1);
});
