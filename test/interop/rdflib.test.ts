import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRemoteExecutor, type Executor } from "@sparql-live/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPackage } from "./debian-package.js";
import { endProcess } from "./processes.js";
import { DATA, failureOf, options, prepared, resultOf } from "./queries.js";

const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("fixtures/rdflib-endpoint.py", import.meta.url));
const installed = spawnSync(PYTHON, ["-c", "import rdflib"]).status === 0;
/** Runs for minutes, and rdflib has no time limit of its own. */
const ENDLESS =
  "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?d && ?d != ?g) }";

describeWithPackage("python3-rdflib", installed, "rdflib behind WSGI", () => {
  let folder: string;
  let server: ChildProcess;
  let executor: Executor;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-rdflib-"));
    const file = join(folder, "data.nt");
    await writeFile(file, DATA);
    server = spawn(PYTHON, [SCRIPT, file], { stdio: ["pipe", "pipe", "inherit"] });
    if (server.stdout === null) throw new Error("the server has an output");
    const [port] = await once(server.stdout, "data");
    executor = createRemoteExecutor({ url: `http://127.0.0.1:${String(port).trim()}/sparql` });
  });

  afterAll(async () => {
    await executor.close();
    await endProcess(server);
    await rm(folder, { recursive: true });
  });

  test("SELECT * has its variables although rdflib writes results before head", async () => {
    const query = prepared(
      "select",
      "SELECT * WHERE { <http://example.org/a> <http://example.org/label> ?l OPTIONAL { ?l ?p ?q } }",
    );
    const { variables, rows, completeness } = await resultOf(executor, query);
    expect(variables?.toSorted()).toEqual(["l", "p", "q"]);
    expect(rows).toEqual([
      { l: { type: "literal", value: 'Straße 😀 "quoted"\nnext line', "xml:lang": "de" } },
    ]);
    expect(completeness).toEqual({ status: "complete" });
  });

  test("SELECT is cut exactly at the cap of rows", async () => {
    const query = prepared("select", "SELECT ?v WHERE { ?s <http://example.org/value> ?v }", ["v"]);
    const all = await resultOf(executor, query, { maxRows: 300 });
    expect([all.rows.length, all.completeness]).toEqual([300, { status: "complete" }]);
    expect(all.rows[0]?.v).toMatchObject({ datatype: "http://www.w3.org/2001/XMLSchema#integer" });
    const cut = await resultOf(executor, query, { maxRows: 299 });
    expect([cut.rows.length, cut.completeness]).toEqual([299, { status: "truncated", reason: "row_limit" }]);
  });

  test.each([
    ["ASK { ?s a <http://example.org/Thing> }", true],
    ["ASK { ?s a <http://example.org/Nothing> }", false],
  ])("%s", async (text, value) => {
    expect(await resultOf(executor, prepared("ask", text, []))).toMatchObject({ boolean: value, rows: [] });
  });

  test("CONSTRUCT comes as triples, blank nodes kept apart from IRIs", async () => {
    const query = prepared(
      "construct",
      "CONSTRUCT { ?x <http://example.org/name> ?n } WHERE { ?x <http://example.org/name> ?n }",
    );
    const { variables, rows } = await resultOf(executor, query);
    expect(variables).toEqual(["subject", "predicate", "object"]);
    expect(rows).toEqual([
      {
        subject: { type: "bnode", value: expect.any(String) },
        predicate: { type: "uri", value: "http://example.org/name" },
        object: { type: "literal", value: "plain" },
      },
    ]);
  });

  test("what the parser says against a query reaches the caller", async () => {
    const failure = await failureOf(resultOf(executor, prepared("select", "SELECT ?x WHERE { ?x }")));
    expect(failure.code).toBe("upstream_error");
    expect(failure.message).toMatch(/Expected/);
    expect(failure.detail).toMatch(/^HTTP 400/);
  });

  test("a query that takes too long ends at its deadline", async () => {
    const failure = await failureOf(
      resultOf(executor, prepared("select", ENDLESS, ["n"]), { timeoutMs: 300 }),
    );
    expect(failure.code).toBe("upstream_timeout");
  });

  test("a cancelled query ends at once", async () => {
    const controller = new AbortController();
    const events = executor.execute(
      prepared("select", ENDLESS, ["n"]),
      options({ signal: controller.signal }),
    );
    expect((await events.next()).value).toEqual({ kind: "started" });
    const next = failureOf(events.next());
    controller.abort();
    expect((await next).code).toBe("query_cancelled");
  });
});
