import { describe, expect, test } from "vitest";
import type { PreparedQuery } from "../../executor.js";
import { createEmbeddedExecutor } from "./executor.js";
import { collect, failureOf, limits, numbered, rowsOf, select, startExecutor } from "./testing/queries.js";

const ALL = "SELECT ?s ?v { ?s <http://e/p> ?v }";

describe("rows", () => {
  test("windows give the same rows in the same order as one shot, and the columns of the query", async () => {
    await using executor = await startExecutor(numbered(12_345));
    const query = { ...select(ALL), variables: ["v", "s"] };
    const whole = await collect(executor.execute(query, limits({ maxRows: 20_000 })));
    const windows = await collect(
      executor.execute({ ...query, windowable: true }, limits({ maxRows: 20_000 })),
    );
    expect(rowsOf(windows)).toEqual(rowsOf(whole));
    expect(rowsOf(windows)).toHaveLength(12_345);
    expect(windows.slice(0, 2)).toEqual([{ kind: "started" }, { kind: "head", variables: ["v", "s"] }]);
    expect(windows.at(-1)).toEqual({ kind: "end", completeness: { status: "complete" } });
  });

  test("the first rows of a large result come long before the last ones, in small events", async () => {
    await using executor = await startExecutor(numbered(60_000));
    const sizes: number[] = [];
    const startedAt = performance.now();
    let firstMs = 0;
    for await (const event of executor.execute(select(ALL, true), limits({ maxRows: 60_000 }))) {
      if (event.kind !== "rows") continue;
      if (sizes.length === 0) firstMs = performance.now() - startedAt;
      sizes.push(event.rows.length);
    }
    expect(sizes[0]).toBe(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    expect(firstMs).toBeLessThan((performance.now() - startedAt) / 2);
  });

  test("a query may end in a comment", async () => {
    await using executor = await startExecutor(numbered(150));
    expect(rowsOf(await collect(executor.execute(select(`${ALL} # all`, true), limits())))).toHaveLength(150);
  });

  test("SELECT * has its columns in the order of the text, unbound ones included", async () => {
    await using executor = await startExecutor(numbered(1));
    const text = "SELECT * { ?z <http://e/p> ?a OPTIONAL { ?a <http://e/q> ?m } }";
    const events = await collect(executor.execute(select(text, true), limits()));
    expect(events[1]).toEqual({ kind: "head", variables: ["z", "a", "m"] });
    expect(Object.keys(rowsOf(events)[0] ?? {}).toSorted()).toEqual(["a", "z"]);
  });

  test("variables named like parts of every object are plain columns", async () => {
    await using executor = await startExecutor(numbered(1));
    const query = select("SELECT ?__proto__ ?constructor { ?__proto__ <http://e/p> ?constructor }", true);
    const [row] = rowsOf(await collect(executor.execute(query, limits())));
    expect(Object.entries(row ?? {})).toEqual([
      ["__proto__", { type: "uri", value: "http://e/s0" }],
      ["constructor", { type: "literal", value: "value 0" }],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  test("terms come in the form of the results format, triple terms and text beyond Latin included", async () => {
    const objects = [
      '"x"@en--ltr',
      '"7"^^<http://e/t>',
      "<<( <http://e/a> <http://e/p> _:b )>>",
      '"é\\"}\\n😀"',
    ];
    await using executor = await startExecutor(
      objects.map((object) => `<http://e/a> <http://e/p> ${object} .\n`).join(""),
    );
    const text = "SELECT ?o { ?s ?p ?o }";
    const terms = rowsOf(await collect(executor.execute(select(text), limits()))).map(({ o }) => o);
    const graph: PreparedQuery = {
      text: "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
      form: "construct",
      variables: null,
      windowable: false,
    };
    const events = await collect(executor.execute(graph, limits()));
    expect(events[1]).toEqual({ kind: "head", variables: ["subject", "predicate", "object"] });
    const labelless = (term: unknown) => JSON.stringify(term).replaceAll(/("bnode","value":)"\w+"/g, "$1");
    const expected = [
      { type: "literal", value: "x", "xml:lang": "en", "its:dir": "ltr" },
      { type: "literal", value: "7", datatype: "http://e/t" },
      { type: "literal", value: 'é"}\n😀' },
    ];
    for (const all of [terms, rowsOf(events).map(({ object }) => object)]) {
      expect(all).toEqual(expect.arrayContaining(expected));
      expect(all.map(labelless)).toContain(
        '{"type":"triple","value":{"subject":{"type":"uri","value":"http://e/a"},' +
          '"predicate":{"type":"uri","value":"http://e/p"},"object":{"type":"bnode","value":}}}',
      );
    }
  });

  test("ASK gives a boolean", async () => {
    await using executor = await startExecutor(numbered(1));
    for (const [text, value] of [
      ["ASK { ?s <http://e/p> ?o }", true],
      ["ASK { ?s <http://e/q> ?o }", false],
    ] as const) {
      const query: PreparedQuery = { text, form: "ask", variables: [], windowable: false };
      expect(await collect(executor.execute(query, limits()))).toEqual([
        { kind: "started" },
        { kind: "boolean", value },
        { kind: "end", completeness: { status: "complete" } },
      ]);
    }
  });

  test("no rows: the head, and the end", async () => {
    await using executor = await startExecutor("");
    for (const windowable of [true, false]) {
      expect(await collect(executor.execute(select(ALL, windowable), limits()))).toEqual([
        { kind: "started" },
        { kind: "head", variables: ["s", "v"] },
        { kind: "end", completeness: { status: "complete" } },
      ]);
    }
  });

  test("what the store refuses is a bad query with its place, and the worker goes on", async () => {
    await using executor = await startExecutor(numbered(1));
    const failure = await failureOf(collect(executor.execute(select("SELECT *\nWHERE { ?s ?p }"), limits())));
    expect(failure).toMatchObject({ code: "bad_query", place: { line: 2 } });
    expect(rowsOf(await collect(executor.execute(select(ALL), limits())))).toHaveLength(1);
    expect(executor.stats()).toMatchObject({ idle: 1, busy: 0 });
  });
});

describe("caps", () => {
  const GRAPH = "CONSTRUCT { ?s <http://e/p> ?v } WHERE { ?s <http://e/p> ?v }";
  const forms: readonly (readonly [string, PreparedQuery])[] = [
    ["in windows", select(ALL, true)],
    ["in one shot", select(ALL)],
    ["of a graph", { ...select(GRAPH), form: "construct" }],
  ];
  for (const [title, query] of forms) {
    for (const rows of [100, 101, 500, 1_000, 2_100]) {
      test(`exactly ${rows} rows ${title} are complete, one more is cut`, async () => {
        await using executor = await startExecutor(numbered(rows));
        const exact = await collect(executor.execute(query, limits({ maxRows: rows })));
        expect(rowsOf(exact)).toHaveLength(rows);
        expect(exact.at(-1)).toEqual({ kind: "end", completeness: { status: "complete" } });
        const cut = await collect(executor.execute(query, limits({ maxRows: rows - 1 })));
        expect(rowsOf(cut)).toHaveLength(rows - 1);
        expect(cut.at(-1)).toEqual({
          kind: "end",
          completeness: { status: "truncated", reason: "row_limit" },
        });
      });
    }
  }

  test("bytes count over the terms in UTF-8: exactly as many are complete, one less cuts the row", async () => {
    await using executor = await startExecutor(
      '<http://e/a> <http://e/p> "é"@en .\n<http://e/b> <http://e/p> "é"@en .\n',
    );
    const bytes = 2 * ("http://e/a".length + 2 + "en".length);
    const whole = await collect(executor.execute(select(ALL, true), limits({ maxBytes: bytes })));
    expect(rowsOf(whole)).toHaveLength(2);
    expect(whole.at(-1)).toEqual({ kind: "end", completeness: { status: "complete" } });
    const cut = await collect(executor.execute(select(ALL, true), limits({ maxBytes: bytes - 1 })));
    expect(rowsOf(cut)).toHaveLength(1);
    expect(cut.at(-1)).toEqual({ kind: "end", completeness: { status: "truncated", reason: "byte_limit" } });
  });
});

test("data that cannot be read fails `ready` and every query, with the place", async () => {
  const sources = [{ name: "posted", text: "<http://e/a> x", format: "text/turtle" }] as const;
  const executor = createEmbeddedExecutor({ sources });
  const running = failureOf(collect(executor.execute(select(ALL), limits())));
  const expected = { code: "data_unreadable", detail: "posted", place: { line: 1 } };
  expect(await failureOf(executor.ready)).toMatchObject(expected);
  expect(await running).toMatchObject(expected);
  expect(await failureOf(collect(executor.execute(select(ALL), limits())))).toMatchObject(expected);
  expect(executor.stats()).toMatchObject({ state: "failed", failure: expected });
  await executor.close();
});
