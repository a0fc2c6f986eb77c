import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EngineFailure } from "../../failure.js";
import { type AnswerReader, createResultsReader, type ReaderEvent } from "./results-reader.js";

const utf8 = (text: string) => new TextEncoder().encode(text);

function readAll(document: Uint8Array, chunkBytes: readonly number[] = []): ReaderEvent[] {
  const reader = createResultsReader();
  const events = [...split(document, chunkBytes)].flatMap((chunk) => reader.read(chunk));
  return [...events, ...reader.end()];
}

/** Cuts at the given sizes, used in turn; without sizes, in one piece. */
function* split(document: Uint8Array, chunkBytes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < document.length; turn += 1) {
    const size = chunkBytes[turn % Math.max(1, chunkBytes.length)] ?? document.length;
    yield document.slice(at, at + size);
    at += size;
  }
}

/** Events with the rows of neighbouring batches joined: how many batches there are is the reader's own choice. */
function summary(events: readonly ReaderEvent[]) {
  return {
    heads: events.filter((event) => event.kind === "head"),
    rows: events.flatMap((event) => (event.kind === "rows" ? event.rows : [])),
    booleans: events.filter((event) => event.kind === "boolean"),
  };
}

function failureOf(act: () => unknown): EngineFailure {
  try {
    act();
  } catch (error) {
    if (error instanceof EngineFailure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const termText = fc.string({ unit: "binary", maxLength: 30 });
const term = fc.oneof(
  fc.record({ type: fc.constant("uri" as const), value: termText }),
  fc.record({ type: fc.constant("bnode" as const), value: termText }),
  fc.record({ type: fc.constant("literal" as const), value: termText }),
  fc.record({ type: fc.constant("literal" as const), value: termText, "xml:lang": fc.constant("de-AT") }),
  fc.record({ type: fc.constant("literal" as const), value: termText, datatype: fc.constant("urn:d") }),
);
const nestedTerm = fc.oneof(
  { weight: 6, arbitrary: term },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("triple" as const),
      value: fc.record({ subject: term, predicate: term, object: term }),
    }),
  },
);
const variable = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 });
const rows = fc.array(fc.dictionary(variable, nestedTerm, { maxKeys: 4, noNullPrototype: true }), {
  maxLength: 12,
});
const extras = fc.dictionary(
  fc.string({ maxLength: 8 }).filter((key) => !["head", "results", "boolean", "bindings"].includes(key)),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 3, noNullPrototype: true },
);

/** JSON with random white space and random escapes, as no serializer would write it but any may. */
function untidyJson(value: unknown, seed: () => number): string {
  const space = () => ["", "", " ", "\n\t", "\r\n  "][seed() % 5] ?? "";
  const write = (item: unknown): string => {
    if (typeof item === "string") return seed() % 3 === 0 ? escaped(item) : JSON.stringify(item);
    if (Array.isArray(item)) return `[${space()}${item.map(write).join(`${space()},${space()}`)}${space()}]`;
    if (typeof item === "object" && item !== null) {
      const members = Object.entries(item).map(
        ([key, member]) => `${JSON.stringify(key)}${space()}:${space()}${write(member)}`,
      );
      return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`;
    }
    return JSON.stringify(item);
  };
  return `${space()}${write(value)}${space()}`;
}

/** Every UTF-16 code unit as an escape. */
function escaped(text: string): string {
  const units = text.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${units.join("")}"`;
}

function shuffled(members: [string, unknown][], seed: () => number): Record<string, unknown> {
  return Object.fromEntries(
    members
      .map((member) => [seed(), member] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, member]) => member),
  );
}

describe("any valid document, cut anywhere", () => {
  test("gives the same variables and rows, whatever the order of members, white space, escapes and extra members", () => {
    fc.assert(
      fc.property(
        fc.array(variable, { maxLength: 4 }),
        rows,
        extras,
        extras,
        fc.boolean(),
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 6 }),
        (variables, bindings, outer, inner, bom, numbers, chunkBytes) => {
          const seed = () => numbers.next().value as number;
          const document = shuffled(
            [
              ["head", { link: [], vars: variables }],
              ["results", shuffled([...Object.entries(inner), ["bindings", bindings]], seed)],
              ...Object.entries(outer),
            ],
            seed,
          );
          const bytes = utf8(`${bom ? "\uFEFF" : ""}${untidyJson(document, seed)}`);
          const read = summary(readAll(bytes, chunkBytes));
          expect(read.rows).toEqual(bindings);
          expect(read.heads).toEqual([{ kind: "head", variables: [...new Set(variables)] }]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("and cut off anywhere before its end, it is reported as truncated", () => {
    const text = `{"head":{"vars":["a"]},"x":[1,{"y":"\\""}],"results":{"bindings":[{"a":{"type":"uri","value":"é\\\\"}},{}]}}`;
    const document = utf8(text);
    for (let length = 1; length < document.length; length += 1) {
      const failure = failureOf(() => readAll(document.slice(0, length)));
      expect([length, failure.code]).toEqual([length, "upstream_truncated"]);
    }
  });
});

test("any bytes at all either give a result or fail with one of two codes", () => {
  const shred = fc.array(
    fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "true",
        "1",
        " ",
        '"head"',
        '"results":{',
        '"bindings":[',
      ),
      fc.constantFrom(
        '{"a":{"type":"uri","value":"x"}}',
        '"boolean":true',
        '{"head":{},',
        "\u00e9",
        "\ud83d\ude00",
      ),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(shred, fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }), (parts, chunkBytes) => {
      const bytes = utf8(parts.join(""));
      const outcome = (cut: readonly number[]) => {
        try {
          return summary(readAll(bytes, cut));
        } catch (error) {
          if (!(error instanceof EngineFailure)) throw error;
          return error.code;
        }
      };
      const whole = outcome([]);
      expect(outcome(chunkBytes)).toEqual(whole);
      if (typeof whole === "string") expect(["upstream_truncated", "upstream_bad_response"]).toContain(whole);
      else expect(() => JSON.parse(new TextDecoder().decode(bytes))).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});

test("rows that come before the head are delivered as they come", () => {
  const reader = createResultsReader();
  const before = reader.read(utf8('{"results":{"bindings":[{"a":{"type":"bnode","value":"b0"}},'));
  expect(before).toEqual([{ kind: "rows", rows: [{ a: { type: "bnode", value: "b0" } }] }]);
  const after = reader.read(utf8('{}]},"head":{"vars":["a","b"]}}'));
  expect(after).toEqual([
    { kind: "rows", rows: [{}] },
    { kind: "head", variables: ["a", "b"] },
  ]);
  expect(reader.end()).toEqual([]);
});

test("a boolean is read, and so is a head without variables", () => {
  expect(readAll(utf8('{"head":{"link":["x"]},"boolean":false}'))).toEqual([
    { kind: "boolean", value: false },
  ]);
});

test("old and redundant forms of literals become the one form of the engine", () => {
  const literal = (members: object) => ({ v: { type: "typed-literal", value: "1", ...members } });
  const bindings = [
    literal({ datatype: "http://www.w3.org/2001/XMLSchema#integer" }),
    literal({ datatype: "http://www.w3.org/2001/XMLSchema#string" }),
    literal({ "xml:lang": "en", datatype: "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString" }),
    literal({ "xml:lang": "ar", "its:dir": "rtl" }),
    literal({ "xml:lang": "", datatype: null, unknown: [1] }),
  ];
  const read = summary(readAll(utf8(JSON.stringify({ head: { vars: ["v"] }, results: { bindings } }))));
  expect(read.rows.map((row) => row.v)).toEqual([
    { type: "literal", value: "1", datatype: "http://www.w3.org/2001/XMLSchema#integer" },
    { type: "literal", value: "1" },
    { type: "literal", value: "1", "xml:lang": "en" },
    { type: "literal", value: "1", "xml:lang": "ar", "its:dir": "rtl" },
    { type: "literal", value: "1" },
  ]);
});

test("a variable called __proto__ stays a variable and changes no prototype", () => {
  const text =
    '{"head":{"vars":["__proto__"]},"results":{"bindings":[{"__proto__":{"type":"uri","value":"x"}}]}}';
  const [row] = summary(readAll(utf8(text))).rows;
  expect(Object.keys(row ?? {})).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  expect(Object.hasOwn(Object.prototype, "type")).toBe(false);
});

const wrap = (binding: string) => `{"head":{"vars":["a"]},"results":{"bindings":[${binding}]}}`;

describe("what is no SPARQL result is refused with upstream_bad_response:", () => {
  test.each([
    ["a web page", "<!doctype html><html></html>"],
    ["an array", "[]"],
    ["an empty object", "{}"],
    ["an empty body", ""],
    ["anything after the result", '{"head":{},"boolean":true} x'],
    ["a second document", '{"head":{},"boolean":true}{}'],
    ["rows and a boolean", '{"boolean":true,"results":{"bindings":[]}}'],
    ["results twice", '{"results":{"bindings":[]},"results":{"bindings":[]}}'],
    ["bindings twice", '{"results":{"bindings":[],"bindings":[]}}'],
    ["a boolean that is a string", '{"boolean":"true"}'],
    ["bindings that are no array", '{"results":{"bindings":{}}}'],
    ["a row that is no object", wrap("1")],
    ["a comma after the last row", wrap("{},")],
    ["two commas", wrap("{},,{}")],
    ["no comma", wrap("{}{}")],
    ["a comma after the last member", '{"boolean":true,}'],
    ["a term that is a string", wrap('{"a":"x"}')],
    ["a term of an unknown type", wrap('{"a":{"type":"iri","value":"x"}}')],
    ["a term without value", wrap('{"a":{"type":"uri"}}')],
    [
      "a triple term without object",
      wrap('{"a":{"type":"triple","value":{"subject":{"type":"uri","value":"s"}}}}'),
    ],
    ["crossed brackets in a row", wrap('{"a":[}]')],
    ["a raw line feed in a string", wrap('{"a":{"type":"uri","value":"\n"}}')],
    ["a bad escape", wrap('{"a":{"type":"uri","value":"\\x"}}')],
    ["names without quotes", "{head:{}}"],
    ["nesting without end", `{"x":${"[".repeat(100)}`],
    ["half a byte order mark", "\u00ef\u00bb{}"],
  ])("%s", (_title, text) => {
    expect(failureOf(() => readAll(utf8(text))).code).toBe("upstream_bad_response");
  });

  test.each([
    ["in a row", [0xc3, 0x28]],
    ["cut short in a row", [0xe2, 0x82]],
    ["overlong", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
  ])("invalid UTF-8, %s, whatever the chunks", (_title, invalid) => {
    const [head = "", tail = ""] = wrap('{"a":{"type":"uri","value":"§"}}').split("§");
    const bytes = Uint8Array.from([...utf8(head), ...invalid, ...utf8(tail)]);
    for (const chunkBytes of [[], [1], [7]]) {
      expect(failureOf(() => readAll(bytes, chunkBytes)).code).toBe("upstream_bad_response");
    }
  });
});

test("a row or a member that never ends is refused at its limit, not kept in memory", () => {
  const feed = (reader: AnswerReader, start: string) => () => {
    reader.read(utf8(start));
    const chunk = new Uint8Array(1024 * 1024).fill(0x61);
    for (let count = 0; count < 40; count += 1) reader.read(chunk);
  };
  for (const start of ['{"results":{"bindings":[{"a":{"type":"uri","value":"', '{"head":"', '{"']) {
    const failure = failureOf(feed(createResultsReader(), start));
    expect(failure.code).toBe("upstream_bad_response");
    expect(failure.message).toMatch(/larger than \d+ bytes/);
  }
});
