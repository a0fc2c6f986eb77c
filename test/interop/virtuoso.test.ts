import { existsSync } from "node:fs";
import { createRemoteExecutor, type Executor } from "@sparql-live/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPackage } from "./debian-package.js";
import { DATA, failureOf, options, prepared, resultOf } from "./queries.js";
import { startVirtuoso, VIRTUOSO, type VirtuosoServer } from "./virtuoso-server.js";

const MAX_ROWS = 200;
/** Runs for minutes: every combination of four triples. */
const ENDLESS =
  "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l FILTER(str(?a) < str(?d) && str(?g) < str(?j)) }";

describeWithPackage("virtuoso-opensource", existsSync(VIRTUOSO), "Virtuoso", () => {
  let server: VirtuosoServer;
  let executor: Executor;

  beforeAll(async () => {
    server = await startVirtuoso(DATA, MAX_ROWS);
    executor = createRemoteExecutor({ url: server.url });
  });

  afterAll(async () => {
    await executor?.close();
    await server?.close();
  });

  test("SELECT: typed-literal is literal, and node ids are labels", async () => {
    const query = prepared(
      "select",
      "SELECT ?l ?s ?i WHERE { ?a <http://example.org/label> ?l ; <http://example.org/size> ?s ; <http://example.org/part> ?i }",
    );
    const { variables, rows, completeness } = await resultOf(executor, query);
    expect(variables).toEqual(["l", "s", "i"]);
    expect(rows).toEqual([
      {
        l: { type: "literal", value: 'Straße 😀 "quoted"\nnext line', "xml:lang": "de" },
        s: { type: "literal", value: "42", datatype: "http://www.w3.org/2001/XMLSchema#integer" },
        i: { type: "bnode", value: expect.stringMatching(/^\w+$/) },
      },
    ]);
    expect(completeness).toEqual({ status: "complete" });
  });

  test("its own limit of rows is passed on as truncated", async () => {
    const query = prepared("select", "SELECT ?v WHERE { ?s <http://example.org/value> ?v }", ["v"]);
    const { rows, completeness } = await resultOf(executor, query);
    expect(rows).toHaveLength(MAX_ROWS);
    expect(completeness).toEqual({ status: "truncated", reason: "endpoint_row_limit" });
  });

  test.each([
    ["ASK { ?s a <http://example.org/Thing> }", true],
    ["ASK { ?s a <http://example.org/Nothing> }", false],
  ])("%s, answered as a row", async (text, value) => {
    expect(await resultOf(executor, prepared("ask", text, []))).toMatchObject({ boolean: value, rows: [] });
  });

  test("CONSTRUCT comes as triples", async () => {
    const query = prepared(
      "construct",
      "CONSTRUCT { ?x <http://example.org/label> ?n } WHERE { ?x <http://example.org/label> ?n }",
    );
    const { rows } = await resultOf(executor, query);
    expect(rows).toEqual([
      {
        subject: { type: "uri", value: "http://example.org/a" },
        predicate: { type: "uri", value: "http://example.org/label" },
        object: { type: "literal", value: 'Straße 😀 "quoted"\nnext line', "xml:lang": "de" },
      },
    ]);
  });

  test("what the parser says against a query reaches the caller", async () => {
    const failure = await failureOf(resultOf(executor, prepared("select", "SELECT ?x WHERE { ?x }")));
    expect(failure.code).toBe("upstream_error");
    expect(failure.message).toMatch(/syntax error at/);
  });

  test("told a time limit, it answers what it has, and that is partial", async () => {
    const limited = createRemoteExecutor({ url: `${server.url}?timeout=2000` });
    const { completeness } = await resultOf(limited, prepared("select", ENDLESS, ["n"]));
    expect(completeness).toEqual({ status: "partial", reason: "endpoint_timeout" });
    await limited.close();
  }, 90_000);

  test("not told, it is left at our deadline", async () => {
    const silent = createRemoteExecutor({ url: server.url });
    const failure = await failureOf(resultOf(silent, prepared("select", ENDLESS, ["n"]), { timeoutMs: 500 }));
    expect(failure.code).toBe("upstream_timeout");
    await silent.close();
  });

  test("a cancelled query ends at once, and the next one is answered", async () => {
    const controller = new AbortController();
    const events = executor.execute(
      prepared("select", ENDLESS, ["n"]),
      options({ signal: controller.signal }),
    );
    expect((await events.next()).value).toEqual({ kind: "started" });
    const next = failureOf(events.next());
    controller.abort();
    expect((await next).code).toBe("query_cancelled");
    expect(await resultOf(executor, prepared("ask", "ASK {}", []))).toMatchObject({ boolean: true });
  });
});
