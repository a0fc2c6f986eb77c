import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { readSettings } from "./read.js";
import { envOf, flagOf, SETTING_NAMES, SETTINGS } from "./table.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(value: unknown): string {
  const path = join(folder, "config.json");
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

test("without sources every setting has its default, and each default is allowed", () => {
  expect(readSettings()).toMatchObject({
    port: 8_000,
    host: "127.0.0.1",
    data: [],
    ols: "off",
  });
  const defaults = Object.fromEntries(SETTING_NAMES.map((name) => [name, SETTINGS[name].default]));
  expect(readSettings({ flags: defaults })).toEqual(defaults);
});

test("a flag stands over the environment, that over the file, that over the default", () => {
  const configFile = file({ port: 1, maxRows: 2, workers: 3 });
  const env = { SPARQL_LIVE_PORT: "4", SPARQL_LIVE_MAX_ROWS: "5" };
  expect(readSettings({ flags: { port: "6" }, env, configFile })).toMatchObject({
    port: 6,
    maxRows: 5,
    workers: 3,
  });
  expect(readSettings({ env: { ...env, SPARQL_LIVE_CONFIG: configFile } })).toMatchObject({
    port: 4,
    workers: 3,
  });
});

test("texts become numbers, switches and lists", () => {
  const env = {
    SPARQL_LIVE_AD_HOC_ENDPOINTS: "true",
    SPARQL_LIVE_REWRITE_TYPES: "0",
    SPARQL_LIVE_ALLOWED_ORIGINS: "https://a.example, https://b.example:8443",
    SPARQL_LIVE_ENDPOINT: "wikidata=https://query.wikidata.org/sparql,https://x.example/sparql",
  };
  expect(readSettings({ env })).toMatchObject({
    adHocEndpoints: true,
    rewriteTypes: false,
    allowedOrigins: ["https://a.example", "https://b.example:8443"],
    endpoint: ["wikidata=https://query.wikidata.org/sparql", "https://x.example/sparql"],
  });
});

test("relative paths of the file are relative to its folder", () => {
  const configFile = file({
    data: ["a.ttl"],
    cacheDir: "cache",
    store: "live.db",
    endpoint: [{ id: "b", title: "B", data: ["b.ttl"], examples: ["e.ttl"] }],
  });
  expect(readSettings({ configFile })).toMatchObject({
    data: [join(folder, "a.ttl")],
    cacheDir: join(folder, "cache"),
    store: join(folder, "live.db"),
    endpoint: [{ id: "b", data: [join(folder, "b.ttl")], examples: [join(folder, "e.ttl")] }],
  });
});

test.each([
  [{ flags: { port: "65536" } }, "port (flag --port) is 65536; allowed: a whole number from 0 to 65535."],
  [{ flags: { port: "80a" } }, 'port (flag --port) is "80a"'],
  [{ env: { SPARQL_LIVE_LOG_LEVEL: "loud" } }, "logLevel (environment SPARQL_LIVE_LOG_LEVEL)"],
  [
    { env: { SPARQL_LIVE_AD_HOC_ENDPOINTS: "yes" } },
    "adHocEndpoints (environment SPARQL_LIVE_AD_HOC_ENDPOINTS)",
  ],
  [{ env: { SPARQL_LIVE_PROT: "1" } }, "SPARQL_LIVE_PROT, which is no setting"],
  [{ flags: { ols: "ftp://x" } }, 'allowed: an http(s) address, or "off".'],
  [{ flags: { heartbeatIntervalMs: "60000" } }, "heartbeatTimeoutMs (60000) must be more than"],
  [
    { configFile: "/nonexistent/config.json" },
    "The configuration file /nonexistent/config.json cannot be read",
  ],
])("what cannot be taken is said with its name, its source and what is allowed: %j", (sources, message) => {
  expect(() => readSettings(sources)).toThrow(message);
});

test("a file that is no JSON object, has unknown names or wrong values is refused", () => {
  expect(() => readSettings({ configFile: file("{") })).toThrow("cannot be read");
  expect(() => readSettings({ configFile: file("[]") })).toThrow("must hold a JSON object");
  expect(() => readSettings({ configFile: file({ prot: 1 }) })).toThrow('has "prot", which is no setting');
  expect(() => readSettings({ configFile: file({ port: "80" }) })).toThrow(
    `port (file ${join(folder, "config.json")})`,
  );
  expect(() => readSettings({ configFile: file({ endpoint: [{ id: "a b", title: "x" }] }) })).toThrow(
    "endpoint (file",
  );
});

test("[HTTP-23] an admin key may have 32 characters; a shorter one is refused in words that do not tell it", () => {
  const key = "0123456789abcdefghij-0123456789+";
  expect(key).toHaveLength(SERVER_LIMITS.minAdminKeyCharacters);
  expect(readSettings({ env: { SPARQL_LIVE_ADMIN_KEY: key } }).adminKey).toBe(key);
  expect(readSettings().adminKey).toBeNull();
  const most = "k".repeat(SERVER_LIMITS.maxAdminKeyCharacters);
  expect(readSettings({ flags: { adminKey: most } }).adminKey).toBe(most);
  for (const wrong of [key.slice(1), `${most}k`, `${key} ${key}`, `${key}\u{e9}`]) {
    const read = () => readSettings({ configFile: file({ adminKey: wrong }) });
    expect(read).toThrow("adminKey (file");
    expect(read).toThrow("is not shown); allowed: 32 to 256");
    expect(read).not.toThrow(wrong);
  }
});

test("what is an object is JSON in a flag, in the environment and in the file", () => {
  const roleLimits = { guest: { ratePerMinute: 20, parallelQueries: 1, maxRows: 1_000 }, admin: {} };
  const experiments = { ranking: { old: 9, new: 1 } };
  const flags = { roleLimits: JSON.stringify(roleLimits) };
  const env = { SPARQL_LIVE_EXPERIMENTS: JSON.stringify(experiments) };
  expect(readSettings({ flags, env })).toMatchObject({ roleLimits, experiments });
  expect(readSettings({ configFile: file({ roleLimits, experiments }) })).toMatchObject({
    roleLimits,
    experiments,
  });
});

test.each([
  { roleLimits: "{" },
  { roleLimits: '{"owner": {}}' },
  { roleLimits: '{"guest": {"rate": 1}}' },
  { roleLimits: '{"guest": {"parallelQueries": 0}}' },
  { experiments: '{"a b": {"x": 1}}' },
  { experiments: '{"ranking": {}}' },
  { experiments: '{"ranking": {"old": 0}}' },
  { experiments: '{"ranking": {"old": 1, "n w": 1}}' },
])("an object that is not what it may be is refused: %j", (flags) => {
  expect(() => readSettings({ flags })).toThrow("allowed: such as {");
});

test("names of flags and variables follow from the name of the setting", () => {
  expect([flagOf("queryTimeoutMs"), envOf("queryTimeoutMs")]).toEqual([
    "--query-timeout-ms",
    "SPARQL_LIVE_QUERY_TIMEOUT_MS",
  ]);
});
