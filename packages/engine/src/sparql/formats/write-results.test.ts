import { type SaxesAttributeNS, SaxesParser } from "@rubensworks/saxes";
import fc from "fast-check";
import { Parser as N3Parser } from "n3";
import oxigraph from "oxigraph";
import { describe, expect, test } from "vitest";
import type { Completeness } from "../../executor.js";
import type { Binding, Term } from "../../rdf.js";
import { sparqlTerm, wellFormed } from "../terms.js";
import { blank, iri, literal, term } from "../testing/arbitrary-terms.js";
import { RESULT_FORMATS, type ResultFormat } from "./result-formats.js";
import { type ResultHead, writeResults } from "./write-results.js";

async function* inBatches(rows: readonly Binding[], size: number) {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

async function written(
  format: ResultFormat,
  head: ResultHead,
  rows: readonly Binding[] = [],
  completeness?: Completeness,
): Promise<string> {
  const options = completeness ? { format, head, completeness: () => completeness } : { format, head };
  let text = "";
  for await (const piece of writeResults(options, inBatches(rows, 2))) text += piece;
  return text;
}

const bindings = (...variables: string[]): ResultHead => ({ kind: "bindings", variables });

const XSD = "http://www.w3.org/2001/XMLSchema#";
const EVERY_KIND: readonly Binding[] = [
  { a: { type: "uri", value: "http://x/a,b" }, b: { type: "bnode", value: "b0" } },
  {
    a: { type: "literal", value: 'say "hi",\r\nor\tnot' },
    b: { type: "literal", value: "é", "xml:lang": "fr" },
  },
  { b: { type: "literal", value: "-5", datatype: `${XSD}integer` } },
  {
    a: { type: "literal", value: "x", "xml:lang": "ar", "its:dir": "rtl" },
    b: {
      type: "triple",
      value: {
        subject: { type: "uri", value: "http://s" },
        predicate: { type: "uri", value: "http://p" },
        object: { type: "literal", value: "o" },
      },
    },
  },
  {},
];

describe("the exact text of each format", () => {
  test("JSON", async () => {
    expect(await written("json", bindings("a", "b"), EVERY_KIND)).toBe(
      String.raw`{"head":{"vars":["a","b"]},"results":{"bindings":[
{"a":{"type":"uri","value":"http://x/a,b"},"b":{"type":"bnode","value":"b0"}},
{"a":{"type":"literal","value":"say \"hi\",\r\nor\tnot"},"b":{"type":"literal","value":"é","xml:lang":"fr"}},
{"b":{"type":"literal","value":"-5","datatype":"http://www.w3.org/2001/XMLSchema#integer"}},
{"a":{"type":"literal","value":"x","xml:lang":"ar","its:dir":"rtl"},"b":{"type":"triple","value":{"subject":{"type":"uri","value":"http://s"},"predicate":{"type":"uri","value":"http://p"},"object":{"type":"literal","value":"o"}}}},
{}]}}
`,
    );
  });

  test("XML", async () => {
    expect(await written("xml", bindings("a", "b"), EVERY_KIND)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<sparql xmlns="http://www.w3.org/2005/sparql-results#" xmlns:its="http://www.w3.org/2005/11/its" its:version="2.0">
<head><variable name="a"/><variable name="b"/></head>
<results>
<result><binding name="a"><uri>http://x/a,b</uri></binding><binding name="b"><bnode>b0</bnode></binding></result>
<result><binding name="a"><literal>say "hi",&#13;
or\tnot</literal></binding><binding name="b"><literal xml:lang="fr">é</literal></binding></result>
<result><binding name="b"><literal datatype="http://www.w3.org/2001/XMLSchema#integer">-5</literal></binding></result>
<result><binding name="a"><literal xml:lang="ar" its:dir="rtl">x</literal></binding><binding name="b"><triple><subject><uri>http://s</uri></subject><predicate><uri>http://p</uri></predicate><object><literal>o</literal></object></triple></binding></result>
<result></result>
</results>
</sparql>
`);
  });

  test("CSV has CR LF, no question marks, and quotes only what needs them", async () => {
    expect(await written("csv", bindings("a", "b"), EVERY_KIND)).toBe(
      'a,b\r\n"http://x/a,b",_:b0\r\n"say ""hi"",\r\nor\tnot",é\r\n,-5\r\nx,"<<( <http://s> <http://p> ""o"" )>>"\r\n,\r\n',
    );
  });

  test("TSV has LF, question marks, and terms as in Turtle", async () => {
    expect(await written("tsv", bindings("a", "b"), EVERY_KIND)).toBe(
      '?a\t?b\n<http://x/a,b>\t_:b0\n"say \\"hi\\",\\r\\nor\\tnot"\t"é"@fr\n\t-5\n"x"@ar--rtl\t<<( <http://s> <http://p> "o" )>>\n\t\n',
    );
  });

  test("ASK", async () => {
    const head: ResultHead = { kind: "boolean", value: true };
    expect(await written("json", head)).toBe('{"head":{},"boolean":true}\n');
    expect(await written("xml", head)).toContain("<head></head>\n<boolean>true</boolean>\n</sparql>");
    expect(await written("csv", head)).toBe("true");
    expect(await written("tsv", { kind: "boolean", value: false })).toBe("false");
  });

  const uri = (local: string): Term => ({ type: "uri", value: `http://example.org/${local}` });
  const graph: readonly Binding[] = [
    {
      subject: uri("s"),
      predicate: { type: "uri", value: "http://www.w3.org/1999/02/22-rdf-syntax-ns#type" },
      object: uri("T"),
    },
    {
      subject: uri("s"),
      predicate: uri("p"),
      object: { type: "literal", value: "1", datatype: `${XSD}integer` },
    },
    {
      subject: uri("s"),
      predicate: uri("p"),
      object: { type: "literal", value: "d", datatype: `${XSD}date` },
    },
    { subject: uri("t"), predicate: uri("p"), object: uri("a/b.c") },
    {
      subject: { type: "bnode", value: "b" },
      predicate: uri("x#y"),
      object: { type: "literal", value: 'q"\n' },
    },
  ];

  test("Turtle writes a subject and a predicate once as long as they repeat", async () => {
    const head: ResultHead = { kind: "triples", prefixes: { ex: "http://example.org/", xsd: XSD } };
    expect(await written("turtle", head, graph)).toBe(`@prefix ex: <http://example.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

ex:s a ex:T ;
    ex:p 1 , "d"^^xsd:date .
ex:t ex:p <http://example.org/a/b.c> .
_:b <http://example.org/x#y> "q\\"\\n" .
`);
    expect(await written("turtle", { kind: "triples" })).toBe("");
  });

  test("N-Triples", async () => {
    expect((await written("ntriples", { kind: "triples" }, graph)).split("\n").slice(-3)).toEqual([
      "<http://example.org/t> <http://example.org/p> <http://example.org/a/b.c> .",
      '_:b <http://example.org/x#y> "q\\"\\n" .',
      "",
    ]);
  });
});

describe("an incomplete result says so", () => {
  const cut: Completeness = { status: "truncated", reason: "row_limit" };

  test("JSON in a member of its own behind the results", async () => {
    const parsed = JSON.parse(await written("json", bindings("a"), EVERY_KIND, cut));
    expect(Object.keys(parsed)).toEqual(["head", "results", "sparql-live"]);
    expect(parsed["sparql-live"]).toEqual({ completeness: cut });
  });

  test("XML, Turtle and N-Triples in a comment, from which no reason can break out", async () => {
    const evil: Completeness = { status: "partial", reason: "--><x>\n<http://s> <http://p> 1 ." };
    for (const completeness of [cut, evil]) {
      const xml = await written("xml", bindings("a"), EVERY_KIND, completeness);
      expect(readXml(xml).rows).toHaveLength(EVERY_KIND.length);
      expect(xml).toContain(`<!-- This result is ${completeness.status} (`);
      for (const format of ["turtle", "ntriples"] as const) {
        const text = await written(format, { kind: "triples" }, [], completeness);
        expect(text).toMatch(/^# This result is .*\n$/);
      }
    }
  });

  test("CSV and TSV stay as they are, and a complete result has no remark in any format", async () => {
    for (const format of ["csv", "tsv"] as const)
      expect(await written(format, bindings("a"), EVERY_KIND, cut)).toBe(
        await written(format, bindings("a"), EVERY_KIND),
      );
    for (const format of ["json", "xml", "csv", "tsv"] as const)
      expect(await written(format, bindings("a"), EVERY_KIND, { status: "complete" })).toBe(
        await written(format, bindings("a"), EVERY_KIND),
      );
  });
});

/** Reads a result in XML with a parser that checks well-formedness and namespaces. */
function readXml(text: string): { variables: string[]; rows: Record<string, unknown>[] } {
  const parser = new SaxesParser({ xmlns: true });
  const variables: string[] = [];
  const rows: Record<string, unknown>[] = [];
  const stack: {
    name: string;
    attributes: Record<string, SaxesAttributeNS>;
    text: string;
    values: unknown[];
  }[] = [];
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ local, attributes }) => {
    stack.push({ name: local, attributes, text: "", values: [] });
    if (local === "variable") variables.push(attributes.name?.value ?? "");
    if (local === "result") rows.push({});
  });
  parser.on("text", (piece) => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += piece;
  });
  parser.on("closetag", () => {
    const element = stack.pop();
    if (element === undefined) return;
    const { name, attributes, text: value, values } = element;
    const outer = stack.at(-1)?.values;
    if (name === "uri" || name === "bnode") outer?.push({ type: name, value });
    if (name === "literal") {
      const entries = Object.entries(attributes).map(([key, attribute]) => [key, attribute.value]);
      outer?.push({ type: name, value, ...Object.fromEntries(entries) });
    }
    if (name === "triple") {
      const [subject, predicate, object] = values;
      outer?.push({ type: name, value: { subject, predicate, object } });
    }
    if (["subject", "predicate", "object"].includes(name)) outer?.push(values[0]);
    const row = rows.at(-1);
    if (name === "binding" && row !== undefined) row[attributes.name?.value ?? ""] = values[0];
  });
  parser.write(text).close();
  return { variables, rows };
}

function mapTexts(given: Term, change: (text: string) => string): unknown {
  if (given.type !== "triple") return { ...given, value: change(given.value) };
  const { subject, predicate, object } = given.value;
  return {
    type: "triple",
    value: {
      subject: mapTexts(subject, change),
      predicate: mapTexts(predicate, change),
      object: mapTexts(object, change),
    },
  };
}

function mapRows(rows: readonly Binding[], change: (text: string) => string): unknown {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, mapTexts(value, change)])),
  );
}

const someRows = fc.array(fc.record({ a: term, b: term, été: term }, { requiredKeys: [] }), { maxLength: 8 });
const VARIABLES = ["a", "b", "été"];

describe("properties: what is written is read again as it was", () => {
  test("JSON, up to halves of surrogate pairs", async () => {
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        const parsed = JSON.parse(await written("json", bindings(...VARIABLES), rows));
        expect(parsed.head.vars).toEqual(VARIABLES);
        expect(parsed.results.bindings).toEqual(mapRows(rows, wellFormed));
      }),
      { numRuns: 300 },
    );
  });

  test("XML, up to characters that XML cannot hold", async () => {
    const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/gu;
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        const { variables, rows: read } = readXml(await written("xml", bindings(...VARIABLES), rows));
        expect(variables).toEqual(VARIABLES);
        expect(read).toEqual(mapRows(rows, (text) => text.replace(impossible, "\ufffd")));
      }),
      { numRuns: 300 },
    );
  });

  test("CSV and TSV are, to the byte, what the embedded engine writes for the same rows", async () => {
    // The engine has its own form of numbers, and leaves IRIs with commas without the quotation marks they need.
    const comparable = fc
      .oneof(iri, literal)
      .filter((value) =>
        value.type === "uri" ? !value.value.includes(",") : !JSON.stringify(value).includes(XSD),
      );
    const rows = fc.array(fc.record({ a: comparable, b: comparable }, { requiredKeys: [] }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const cells = given.map(
          ({ a, b }) => `(${a ? sparqlTerm(a) : "UNDEF"} ${b ? sparqlTerm(b) : "UNDEF"})`,
        );
        const query = `SELECT ?a ?b { VALUES (?a ?b) { ${cells.join(" ")} } }`;
        const csv = new oxigraph.Store().query(query, { results_format: "csv" });
        expect(await written("csv", bindings("a", "b"), given)).toBe(csv);
        const tsv: unknown = new oxigraph.Store().query(query, { results_format: "tsv" });
        // The engine leaves some control characters as they are, which the recommendation allows too.
        const same = (text: string) =>
          text.replace(/\\u([0-9A-F]{4})|\\([bf])/g, (_, code, letter) =>
            letter === "b" ? "\b" : letter === "f" ? "\f" : String.fromCharCode(Number.parseInt(code, 16)),
          );
        expect(same(await written("tsv", bindings("a", "b"), given))).toBe(same(String(tsv)));
      }),
      { numRuns: 300 },
    );
  });

  test("Turtle and N-Triples: two parsers read the same triples from both", async () => {
    const triples = fc.array(
      fc.record({
        subject: fc.oneof(fc.constant<Term>({ type: "uri", value: "http://example.org/s" }), iri, blank),
        predicate: fc.oneof(fc.constant<Term>({ type: "uri", value: "http://example.org/ns#p_1" }), iri),
        object: term.filter((value) => value.type !== "triple"),
      }),
      { maxLength: 12 },
    );
    const prefixes = {
      ex: "http://example.org/",
      ns: "http://example.org/ns#",
      p: "http://example.org/ns#p_",
      xsd: XSD,
    };
    await fc.assert(
      fc.asyncProperty(triples, async (given) => {
        const turtle = await written("turtle", { kind: "triples", prefixes }, given);
        const ntriples = await written("ntriples", { kind: "triples" }, given);
        const read = (text: string, format: string) =>
          oxigraph.parse(text, { format }).map(String).map(anonymous).sort();
        expect(read(turtle, "text/turtle")).toEqual(read(ntriples, "application/n-triples"));
        expect(read(ntriples, "application/n-triples")).toHaveLength(given.length);
        const n3 = (text: string) =>
          new N3Parser()
            .parse(text)
            .map(({ subject, predicate, object }) => [subject.value, predicate.value, object.value].join(" "))
            .map(anonymous)
            .sort();
        // The older parser knows no directions.
        if (!given.some(({ object }) => "its:dir" in object)) expect(n3(turtle)).toEqual(n3(ntriples));
      }),
      { numRuns: 300 },
    );
  });
});

const anonymous = (line: string) => line.replace(/_:\S+|n3-\d+|\bb\d+_\S+/g, "_:");

describe("results of any size and kind", () => {
  test("names that objects have by themselves are neither invented nor lost", async () => {
    const head = bindings("toString", "__proto__", "constructor");
    const row = JSON.parse('{"__proto__":{"type":"literal","value":"x"}}') as Binding;
    expect(await written("csv", head, [{}, row])).toBe("toString,__proto__,constructor\r\n,,\r\n,x,\r\n");
    expect(await written("json", head, [row])).toContain('{"__proto__":{"type":"literal","value":"x"}}');
  });

  test("a result without variables has its rows all the same", async () => {
    expect(JSON.parse(await written("json", bindings(), [{}, {}])).results.bindings).toEqual([{}, {}]);
    expect(await written("csv", bindings(), [{}, {}])).toBe("\r\n\r\n\r\n");
  });

  test("the first rows are written before the last are there, and pieces stay small", async () => {
    const row: Binding = { a: { type: "literal", value: "x" } };
    let pulledCount = 0;
    async function* endless() {
      for (;;) {
        pulledCount += 1;
        yield Array.from({ length: 5_000 }, () => row);
      }
    }
    const pieces = writeResults({ format: "csv", head: bindings("a") }, endless());
    await pieces.next();
    expect(pulledCount).toBe(0);
    const { value } = await pieces.next();
    expect(pulledCount).toBe(1);
    expect(value).toBe("x\r\n".repeat(1_000));
    await pieces.return();
  });

  test("a format that cannot hold a result refuses it at once", () => {
    for (const { id, forms } of RESULT_FORMATS) {
      const holds = (head: ResultHead) => {
        try {
          writeResults({ format: id, head }, inBatches([], 1));
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: "bad_request" });
          return false;
        }
      };
      expect(holds(bindings("a"))).toBe(forms.includes("select"));
      expect(holds({ kind: "boolean", value: true })).toBe(forms.includes("ask"));
      expect(holds({ kind: "triples" })).toBe(forms.includes("construct"));
      expect(forms.includes("construct")).toBe(forms.includes("describe"));
    }
  });

  test("no media type or extension stands for two formats", () => {
    const types = RESULT_FORMATS.flatMap(({ mediaTypes }) => mediaTypes);
    expect(new Set(types).size).toBe(types.length);
    expect(new Set(RESULT_FORMATS.map(({ extension }) => extension)).size).toBe(RESULT_FORMATS.length);
  });
});
