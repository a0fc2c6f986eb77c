import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Store } from "oxigraph";
import { describe, expect, test } from "vitest";
import type { DataSource } from "./data-files.js";
import { type LoadProgress, loadData } from "./loader.js";
import { temporaryFolder } from "./testing/folders.js";
import { failureOf } from "./testing/queries.js";

const TURTLE = '@prefix e: <http://e/> .\ne:a e:name "Ada" ; e:knows e:b .\n';
const SAME_IN_ALL: readonly (readonly [string, string])[] = [
  ["a.ttl", TURTLE],
  ["a.nt", '<http://e/a> <http://e/name> "Ada" .\n<http://e/a> <http://e/knows> <http://e/b> .\n'],
  [
    "a.nq",
    '<http://e/a> <http://e/name> "Ada" <http://e/g> .\n<http://e/a> <http://e/knows> <http://e/b> .\n',
  ],
  ["a.trig", `${TURTLE.replace("e:a", "e:g { e:a")}}`.replace(" .\n}", " }")],
  [
    "a.rdf",
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">\n' +
      '<rdf:Description rdf:about="http://e/a"><e:name>Ada</e:name><e:knows rdf:resource="http://e/b"/>' +
      "</rdf:Description>\n</rdf:RDF>\n",
  ],
  [
    "a.jsonld",
    '{"@context": {"@vocab": "http://e/", "knows": {"@type": "@id"}}, "@id": "http://e/a", "name": "Ada", "knows": "http://e/b"}',
  ],
];

async function load(...sources: DataSource[]) {
  const store = new Store();
  const progress: LoadProgress[] = [];
  const triples = await loadData(store, sources, (step) => progress.push(step));
  return { store, triples, progress };
}

function triplesOf(store: Store): readonly string[] {
  const quads = store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }") as readonly { toString(): string }[];
  return quads.map(String).toSorted();
}

describe("every format, plain and gzipped, gives the same triples:", () => {
  for (const [name, text] of SAME_IN_ALL) {
    for (const [path, content] of [
      [name, Buffer.from(text)],
      [`${name}.gz`, gzipSync(text)],
      [`${name.toUpperCase()}`, Buffer.from(`\ufeff${text}`)],
    ] as const) {
      test(path, async () => {
        await using folder = await temporaryFolder();
        const file = join(folder.path, path);
        await writeFile(file, content);
        const { store, triples, progress } = await load({ path: file });
        expect(triplesOf(store)).toEqual([
          "<http://e/a> <http://e/knows> <http://e/b>",
          '<http://e/a> <http://e/name> "Ada"',
        ]);
        expect(triples).toBe(2);
        expect(progress.at(-1)).toMatchObject({
          file,
          bytesRead: content.length,
          bytesTotal: content.length,
        });
      });
    }
  }
});

test("a folder is read with its folders, by name; unknown and hidden files and links to folders are left out", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at("b"));
  await writeFile(at("c.nt"), '<http://e/c> <http://e/p> "3" .\n');
  await writeFile(at("a.nt"), '<http://e/a> <http://e/p> "1" .\n');
  await writeFile(at("b/x.ttl.gz"), gzipSync('<http://e/b> <http://e/p> "2" .\n'));
  await writeFile(at("notes.md"), "# nothing");
  await writeFile(at(".hidden.ttl"), "broken");
  await symlink(folder.path, at("circle"));
  const { triples, progress } = await load({ path: folder.path });
  expect(triples).toBe(3);
  expect([...new Set(progress.map(({ file }) => file))]).toEqual([at("a.nt"), at("b/x.ttl.gz"), at("c.nt")]);
});

test("what is named itself must be there and have a known extension; a folder must hold something", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "notes.md"), "# nothing");
  for (const [path, message] of [
    [join(folder.path, "notes.md"), /format .* not known/],
    [join(folder.path, "missing.ttl"), /cannot be read.*ENOENT/],
    [folder.path, /holds no file/],
  ] as const) {
    expect(await failureOf(load({ path }))).toMatchObject({
      code: "data_unreadable",
      message: expect.stringMatching(message),
      detail: path,
    });
  }
});

describe("broken data is refused with its place:", () => {
  const xml = (body: string) =>
    `<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">\n${body}`;
  const longLines = '<http://e/a> <http://e/p> "some text" .\n'.repeat(60_000);
  const cases = [
    ["an unknown prefix in Turtle", "x.ttl", "@prefix e: <http://e/> .\ne:a f:b e:c .\n", 2, 5],
    ["an open string at the end", "x.ttl", '@prefix e: <http://e/> .\n\ne:a e:b "x', 3, 9],
    [
      "a variable in N-Triples, far behind",
      "x.nt",
      `${longLines}<http://e/a> <http://e/b> ?x .\n`,
      60_001,
      27,
    ],
    ["a bad IRI behind blank nodes", "x.nq", "_:a <http://e/b> _:c .\n_:a <http://e/b> <a b> .\n", 2, 18],
    ["an open graph in TriG", "x.trig", "@prefix e: <http://e/> .\ne:g { e:a e:b }", 2, 15],
    ["a wrong end tag", "x.rdf", xml('<rdf:Description rdf:about="http://e/é">\n <e:b>x</e:c>\n'), 4, 13],
    [
      "a value that is no name",
      "x.rdf",
      xml('<rdf:Description rdf:ID="1 b">\n</rdf:Description>\n</rdf:RDF>'),
      3,
      30,
    ],
    ["XML that was cut off", "x.rdf", xml('<rdf:Description rdf:about="http://e/a"/>\n'), 4, 1],
    ["no XML", "x.owl", "Prefix(:=<http://e/>)", 1, 10],
    ["a comma too many", "x.jsonld", '{"@id": "http://e/a",\n "http://e/b": 1,, }', 2, 18],
    ["an identifier that is a number", "x.jsonld", '[{"@id": "http://e/a"},\n {"@id": 4}]', 2, 11],
    ["bytes that are not UTF-8", "x.ttl", Buffer.from([0x3c, 0xff, 0x3e, 0x20]), 1, 1],
  ] as const;
  for (const [title, name, text, line, column] of cases) {
    for (const gzip of [false, true]) {
      test(`${title}${gzip ? ", gzipped" : ""}`, async () => {
        await using folder = await temporaryFolder();
        const path = join(folder.path, gzip ? `${name}.gz` : name);
        await writeFile(path, gzip ? gzipSync(text) : text);
        expect(await failureOf(load({ path }))).toMatchObject({
          code: "data_unreadable",
          detail: path,
          place: { line, column },
          message: expect.stringContaining(`${path}, line ${line}, column ${column}: `),
        });
      });
    }
  }

  test("a gzip file that was cut off", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "x.nt.gz");
    await writeFile(path, gzipSync(longLines).subarray(0, -20));
    expect(await failureOf(load({ path }))).toMatchObject({ code: "data_unreadable", detail: path });
  });

  test("a JSON-LD context on the network is not fetched, and the message says so", async () => {
    const text = '{"@context": "http://schema.org/", "@id": "http://e/a", "name": "Ada"}';
    expect(await failureOf(load({ name: "posted", text, format: "application/ld+json" }))).toMatchObject({
      code: "data_unreadable",
      detail: "posted",
      message: expect.stringContaining("not fetched"),
    });
  });
});

test("blank nodes of different files stay different, those of one file the same, however long it is", async () => {
  await using folder = await temporaryFolder();
  const filler = '<http://e/a> <http://e/p> "some text" .\n'.repeat(60_000);
  const text = `${filler}_:x <http://e/name> "one" .\n${filler}_:x <http://e/name> "two" .\n`;
  await writeFile(join(folder.path, "1.nt"), text);
  await writeFile(join(folder.path, "2.nt"), '_:x <http://e/name> "three" .\n');
  const { store } = await load({ path: folder.path });
  const json = store.query("SELECT ?x { ?x <http://e/name> ?n } ORDER BY ?n", { results_format: "json" });
  const [one, three, two] = [...String(json).matchAll(/"value":"([^"]+)"/g)].map((match) => match[1]);
  expect(one).toBe(two);
  expect(one).not.toBe(three);
});

test("a query sees the triples of all graphs once; GRAPH and FROM work as specified", async () => {
  const text =
    '<http://e/a> <http://e/p> "both" .\n<http://e/a> <http://e/p> "both" <http://g/1> .\n' +
    '<http://e/a> <http://e/p> "one" <http://g/1> .\n<http://e/a> <http://e/p> "two" <http://g/2> .\n';
  const { store, triples } = await load({ name: "graphs", text, format: "application/n-quads" });
  const values = (query: string) =>
    [...String(store.query(query, { results_format: "json" })).matchAll(/"value":"([^"]+)"/g)]
      .map((match) => match[1])
      .toSorted();
  expect(triples).toBe(3);
  expect(values("SELECT ?o { ?s ?p ?o }")).toEqual(["both", "one", "two"]);
  expect(values("SELECT ?o FROM <http://g/1> { ?s ?p ?o }")).toEqual(["both", "one"]);
  expect(values("SELECT ?o { GRAPH <http://g/2> { ?s ?p ?o } }")).toEqual(["two"]);
});

test("relative IRIs resolve against the file's address, and against the base of a text", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "r.ttl");
  await writeFile(path, '<#it> <http://e/p> "x" .');
  const fromFile = await load({ path });
  expect(triplesOf(fromFile.store)[0]).toMatch(/^<file:\/\/.*\/r\.ttl#it>/);
  const text = '<it> <http://e/p> "x" .';
  const fromText = await load({ name: "t", text, format: "text/turtle", baseIri: "http://base/" });
  expect(triplesOf(fromText.store)[0]).toContain("<http://base/it>");
});
