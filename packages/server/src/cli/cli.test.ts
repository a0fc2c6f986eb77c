import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { said } from "../testing/said.js";

const MAIN = fileURLToPath(new URL("../../bin/sparql-live.js", import.meta.url));
const RIVERS = `
@prefix e: <http://e/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:River rdfs:label "river" . e:length rdfs:label "length" .
e:elbe a e:River ; rdfs:label "Elbe" ; e:length 1094 .
e:oder a e:River ; rdfs:label "Oder" ; e:length 866 .
`;
const ENDLESS =
  "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o . ?p ?q ?r . ?t ?u ?v }";

let folder = "";
let data = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  data = join(folder, "rivers.ttl");
  await writeFile(data, RIVERS);
});

afterAll(() => rm(folder, { recursive: true }));

/** Lets nothing of the engine in but its limits. */
const WITHOUT_ENGINE = `
  const load = (url, context, next) => {
    if (url.includes("/engine/dist/") && !url.endsWith("/limits.js")) throw new Error("the engine is loaded");
    return next(url, context);
  };
  const hooks = "data:text/javascript," + encodeURIComponent("export const load = " + load);
  (await import("node:module")).register(hooks);`;

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, SPARQL_LIVE_CACHE_DIR: join(folder, "cache"), NO_COLOR: "1" },
  });
}

async function run(args: readonly string[], input = "") {
  return outcomeOf(start(...args), input);
}

async function outcomeOf(child: ChildProcess, input = "") {
  child.stdin?.end(input);
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { out, err, code: code as number | null };
}

test("a question is answered from one's own file: the result on standard output, the stages on standard error", async () => {
  const { out, err, code } = await run(["ask", "List all rivers", "--data", data, "--format", "csv"]);
  expect(code).toBe(0);
  expect(out).toContain("http://e/elbe,Elbe");
  expect(out.split("\r\n")).toHaveLength(4);
  expect(err).toMatch(/parsing: .*\n(.*\n)*completed: Done/);
});

test("help and version are told without the engine, which takes its time to load", async () => {
  const hooked = ["--import", `data:text/javascript,${encodeURIComponent(WITHOUT_ENGINE)}`, MAIN];
  for (const args of [["--version"], ["--help"], ["serve", "--help"], ["ask", "--help"]]) {
    expect(await outcomeOf(spawn(process.execPath, [...hooked, ...args]))).toMatchObject({
      err: "",
      code: 0,
    });
  }
  const asked = await outcomeOf(spawn(process.execPath, [...hooked, "endpoints"]));
  expect(asked).toMatchObject({ err: "sparql-live: the engine is loaded\n", code: 1 });
});

test("a draft is printed and not executed", async () => {
  const { out, code } = await run(["ask", "List all rivers", "--data", data, "--draft"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^PREFIX[\s\S]*SELECT/);
});

test("a query comes from standard input, and its result as JSON", async () => {
  const { out, code } = await run(
    ["query", "-", "--data", data, "--format", "json"],
    "ASK { ?s a <http://e/River> }",
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ boolean: true });
});

test("a query with a slip fails with its line and column", async () => {
  const { err, code } = await run(["query", "-", "--data", data], "SELECT *\n{ ?s ?p }");
  expect(code).toBe(1);
  expect(err).toMatch(/bad_query: Line 2, column 9/);
});

test.each([
  ["an unknown option", ["ask", "x", "--colour", "red"]],
  ["an unknown command", ["answer"]],
  ["no question", ["ask"]],
  ["a limit of 0", ["ask", "x", "--limit", "0"]],
  ["a format that there is not", ["ask", "x", "--format", "xls"]],
  ["a query file that there is not", ["query", "/nowhere.rq"]],
  ["data together with a server", ["ask", "x", "--server", "ws://127.0.0.1:1", "--data", "x.ttl"]],
])("%s is a fault of usage", async (_name, args) => {
  const { err, code } = await run(args);
  expect(code).toBe(2);
  expect(err).not.toBe("");
});

test("a data file that is broken fails with its place", async () => {
  const broken = join(folder, "broken.ttl");
  await writeFile(broken, "@prefix e: <http://e/> .\ne:a e:b .\n");
  const { err, code } = await run(["ask", "List all rivers", "--data", broken]);
  expect(code).toBe(1);
  expect(err).toMatch(/data_unreadable: .*broken\.ttl/);
});

test("Ctrl-C during a query ends it with 130", async () => {
  const child = start("query", "-", "--data", data, "--timeout", "100");
  child.stdin?.end(ENDLESS);
  await said(child, /executing|checks|optimizing/);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
});

test("a server prints its address, answers a question through it, and ends with 0 on SIGTERM", async () => {
  const server = start("serve", "--port", "0", "--store", "memory", "--data", data, "--log-level", "silent");
  const [, address = ""] = await said(server, /is at (http:\/\/127\.0\.0\.1:\d+)/);
  const { out, code } = await run([
    "ask",
    "What is the length of the Elbe?",
    "--server",
    address,
    "--format",
    "csv",
  ]);
  expect(code).toBe(0);
  expect(out).toContain("1094");
  server.kill("SIGTERM");
  expect(await once(server, "exit")).toEqual([0, null]);
});

test("the endpoints and the profile are given as JSON", async () => {
  const endpoints = JSON.parse((await run(["endpoints", "--json"])).out) as readonly {
    readonly id: string;
  }[];
  expect(endpoints.map(({ id }) => id)).toEqual(expect.arrayContaining(["local", "uniprot", "wikidata"]));
  const profile = JSON.parse((await run(["profile", "--json", "--data", data])).out) as {
    readonly classes: unknown;
  };
  expect(profile.classes).toMatchObject([{ iri: "http://e/River", count: 2 }]);
});

test("[AUTH-14] `serve` beyond this machine ends with 2 and says what to do, unless users have to show tokens", async () => {
  const serve = ["serve", "--data", data, "--store", "memory", "--port", "0", "--host", "0.0.0.0"];
  const { err, code } = await run(serve);
  expect([code, err.includes("--insecure-open"), err.includes("--auth-issuer")]).toEqual([2, true, true]);
  const half = await run([...serve, "--auth-audience", "me"]);
  expect([half.code, half.err.includes("authIssuer")]).toEqual([2, true]);
});
