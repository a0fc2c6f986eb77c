import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { EngineFailure } from "../../failure.js";
import type { LabelSearchOptions } from "../../labels.js";
import { makeProfile } from "../../schema/profile-maker.js";
import { libraryGraph, shopGraph, thesaurusGraph } from "../../testing/graphs.js";
import { createMemoryExecutor, type MemoryExecutor } from "../../testing/memory-executor.js";
import { createLabelIndex, type LabelIndexOptions, type OwnedLabelIndex } from "./label-index.js";

const signal = new AbortController().signal;
const open: OwnedLabelIndex[] = [];
afterEach(async () => {
  for (const index of open.splice(0)) await index.close();
});

async function indexOf(
  executor: MemoryExecutor,
  options: Partial<LabelIndexOptions> = {},
): Promise<OwnedLabelIndex> {
  const profile = await makeProfile({
    endpointId: "e",
    executor,
    prefixes: {},
    fingerprint: "f",
    budgetMs: 60_000,
    signal,
  });
  const index = await createLabelIndex({ executor, profile, kind: "embedded", signal, ...options });
  open.push(index);
  expect(executor.refused).toEqual([]);
  return index;
}

const typing = { mode: "autocomplete", signal } as const satisfies LabelSearchOptions;
const linking = { mode: "link", signal } as const satisfies LabelSearchOptions;

const labelled = (names: readonly (readonly [string, string])[], extra = "") =>
  `@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> . @base <https://names.test/> .\n${names
    .map(([iri, name]) => `<${iri}> a <Thing> ; rdfs:label "${name}"@en .`)
    .join("\n")}\n${extra}`;

test("an exact name comes before longer names that begin with it or contain it", async () => {
  const index = await indexOf(
    createMemoryExecutor(
      labelled([
        ["1", "insulin receptor"],
        ["2", "insulin"],
        ["3", "proinsulin"],
        ["4", "human insulin"],
        ["5", "glucagon"],
      ]),
    ),
  );
  const hits = await index.search("Insulin", typing);
  expect(hits.map(({ label, match }) => [label, match])).toEqual([
    ["insulin", "exact"],
    ["insulin receptor", "prefix"],
    ["human insulin", "tokens"],
  ]);
  expect(hits[0]).toMatchObject({
    iri: "https://names.test/2",
    kind: "entity",
    classes: ["https://names.test/Thing"],
  });
});

test("a preferred label comes before an alternative one, and among equals what is referred to more", async () => {
  const index = await indexOf(
    createMemoryExecutor(
      labelled(
        [
          ["a", "Springfield"],
          ["b", "Springfield"],
          ["c", "Shelbyville"],
          ["d", "Ogdenville"],
          ["e", "Capital City"],
          ["f", "Brockway"],
        ],
        `<c> skos:altLabel "Springfield"@en . <d> skos:altLabel "North Haverbrook"@en . <x1> <in> <b> . <x2> <in> <b> . <x3> <in> <a> . <x4> <in> <c>, <d> . <x5> <in> <c>, <c> .`,
      ),
    ),
  );
  const hits = await index.search("springfield", typing);
  expect(hits.map(({ iri, label }) => [iri.slice(-1), label])).toEqual([
    ["b", "Springfield"],
    ["a", "Springfield"],
    ["c", "Shelbyville"],
  ]);
  expect(hits[2]).toMatchObject({ matched: "Springfield", synonyms: ["Springfield"] });
});

test("case, accents, punctuation and plurals do not hide a name; spelling errors only count when nothing else matches", async () => {
  const index = await indexOf(createMemoryExecutor(libraryGraph()));
  for (const text of ["bjorn hakansson", "BJÖRN HÅKANSSON", "Bjorn-Hakansson"]) {
    expect((await index.search(text, linking))[0]).toMatchObject({
      label: "Björn Håkansson",
      match: "exact",
    });
  }
  expect((await index.search("clara oneill", linking))[0]).toMatchObject({
    label: "Clara O'Neill",
    match: "exact",
  });
  expect((await index.search("books", { ...linking, kinds: ["class"] }))[0]).toMatchObject({
    label: "book",
    match: "exact",
  });
  const misspelt = await index.search("Dmitri Volkvo", linking);
  expect(misspelt[0]).toMatchObject({ label: "Dmitri Volkov", match: "fuzzy" });
  expect((await index.search("Volkov", linking)).every(({ match }) => match !== "fuzzy")).toBe(true);
  expect(await index.search("zzzzqqqq", linking)).toEqual([]);
});

test("classes, properties, values and entities are told apart, and each kind can be asked for alone", async () => {
  const index = await indexOf(createMemoryExecutor(libraryGraph()));
  expect((await index.search("Buch", linking))[0]).toMatchObject({
    kind: "class",
    label: "book",
    description: "A printed work.",
  });
  expect((await index.search("romance", linking))[0]).toMatchObject({
    kind: "class",
    iri: "https://library.test/def#Novel",
  });
  expect((await index.search("author of", linking))[0]).toMatchObject({
    kind: "property",
    iri: "https://library.test/def#authorOf",
  });
  expect((await index.search("old norse", linking))[0]).toMatchObject({
    kind: "value",
    iri: "https://library.test/def#language",
    property: "https://library.test/def#language",
    matched: "Old Norse",
  });
  expect((await index.search("LB-1007", linking))[0]).toMatchObject({
    kind: "entity",
    iri: "https://library.test/book/7",
  });
  const values = await index.search("e", { ...typing, kinds: ["value"] });
  expect(values.map(({ kind }) => kind)).toEqual(["value"]);
});

test("a question's link finds one of every kind that fits, even where entities fill the list", async () => {
  const things = Array.from({ length: 40 }, (_, at) => [`t${at}`, `crane ${at}`] as const);
  const index = await indexOf(
    createMemoryExecutor(
      labelled(
        things,
        '<Crane> a <http://www.w3.org/2002/07/owl#Class> . <t1> a <Crane> . <t2> <shape> "crane" . <t3> <shape> "swan" .',
      ),
    ),
  );
  const kinds = (await index.search("crane", { ...linking, limit: 5 })).map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(["class", "value", "entity"]));
  expect(kinds).toHaveLength(5);
});

test("many spans are answered together, in their order", async () => {
  const index = await indexOf(createMemoryExecutor(thesaurusGraph()));
  const spans = ["apple", "", "Birne", "nothing at all", "F103"];
  const many = await index.searchMany(spans, linking);
  expect(many.map((hits) => hits[0]?.label ?? null)).toEqual(["apple", null, "pear", null, "cherry"]);
  const one = await Promise.all(spans.map((span) => index.search(span, linking)));
  expect(many).toEqual(one);
  await expect(
    index.searchMany(
      Array.from({ length: 501 }, () => "x"),
      linking,
    ),
  ).rejects.toMatchObject({ code: "bad_request" });
});

test("names one node away, names in IRIs and preferred labels of a language are found", async () => {
  const shop = await indexOf(createMemoryExecutor(shopGraph()));
  expect(
    (await shop.search("catalase variant crown 4", { ...linking, kinds: ["entity"] })).map(({ iri }) => iri),
  ).toContain("https://shop.test/e/4");
  const german = await indexOf(createMemoryExecutor(thesaurusGraph()), { language: "de" });
  expect((await german.search("fig", linking))[0]).toMatchObject({ label: "Feige", matched: "fig" });
  const iri = "https://thesaurus.test/c/Fig";
  expect(await german.labelsOf([iri, "urn:unknown"], signal)).toEqual(new Map([[iri, "Feige"]]));
  const bare = await indexOf(
    createMemoryExecutor(
      "<https://d.test/Ada_Lovelace> a <https://d.test/Person> . <https://d.test/P04637> a <https://d.test/Protein> .",
    ),
  );
  expect((await bare.search("ada lovelace", linking))[0]).toMatchObject({
    iri: "https://d.test/Ada_Lovelace",
    label: "Ada Lovelace",
  });
  expect((await bare.search("p04637", linking))[0]).toMatchObject({
    iri: "https://d.test/P04637",
    label: "P04637",
  });
});

test("typing finds a name from any of its words, the last one begun", async () => {
  const index = await indexOf(createMemoryExecutor(libraryGraph()));
  const labels = async (text: string) =>
    (await index.search(text, { ...typing, kinds: ["entity"] })).map(({ label }) => label);
  expect(await labels("h")).toContain("Hana Kimura");
  expect(await labels("kimu")).toEqual(["Hana Kimura"]);
  expect(await labels("kimura ha")).toEqual(["Hana Kimura"]);
  expect(await labels("kimrua")).toEqual(["Hana Kimura"]);
});

test("an index that is full says so and keeps what it has", async () => {
  const executor = createMemoryExecutor(libraryGraph());
  const whole = await indexOf(executor);
  expect(whole.truncated).toBe(false);
  const cut = await indexOf(executor, { maxNames: 40 });
  expect(cut.truncated).toBe(true);
  expect(cut.size).toBeLessThan(whole.size);
  expect((await cut.search("book", { ...linking, kinds: ["class"] }))[0]).toMatchObject({ label: "book" });
});

test("an aborted search is cancelled at once, a closed index refuses, and building can be aborted", async () => {
  const executor = createMemoryExecutor(libraryGraph());
  const index = await indexOf(executor);
  const abort = new AbortController();
  const search = index.search("book", { ...linking, signal: abort.signal });
  abort.abort();
  await expect(search).rejects.toMatchObject({ code: "query_cancelled" });
  await expect(index.search("book", { ...linking, signal: abort.signal })).rejects.toMatchObject({
    code: "query_cancelled",
  });
  const late = index.search("book", linking);
  const refused = expect(late).rejects.toMatchObject({ code: "endpoint_unavailable" });
  await index.close();
  await refused;
  await expect(index.search("book", linking)).rejects.toMatchObject({ code: "endpoint_unavailable" });

  const building = new AbortController();
  executor.beforeEach = ({ text }) => {
    if (text.includes("isLiteral(?o)")) building.abort();
  };
  const profile = await makeProfile({
    endpointId: "e",
    executor: createMemoryExecutor(libraryGraph()),
    prefixes: {},
    fingerprint: "f",
    budgetMs: 60_000,
    signal,
  });
  await expect(
    createLabelIndex({ executor, profile, kind: "embedded", signal: building.signal }),
  ).rejects.toMatchObject({
    code: "query_cancelled",
  });
});

test("a remote endpoint is asked for exact names that were cut, once for each name, and its silence is no failure", async () => {
  const names = Array.from(
    { length: 60 },
    (_, at) => [`n${at}`, at === 59 ? `Zeta \\"Q\\" Prime` : `Star Number ${at}`] as const,
  );
  const executor = createMemoryExecutor(labelled(names));
  const index = await indexOf(executor, { kind: "remote", maxNames: 20 });
  expect(index.truncated).toBe(true);
  const [hit] = await index.search('zeta "q" prime', linking);
  expect(hit).toMatchObject({
    iri: "https://names.test/n59",
    match: "exact",
    classes: ["https://names.test/Thing"],
  });
  const asked = executor.asked.length;
  expect((await index.search('zeta "q" prime', linking))[0]).toEqual(hit);
  expect(executor.asked.length).toBe(asked);
  const [, other] = await index.searchMany(["which", "star number 58"], linking);
  expect(other?.[0]).toMatchObject({ iri: "https://names.test/n58" });
  expect(executor.refused).toEqual([]);
  executor.beforeEach = () => {
    throw new EngineFailure("endpoint_unavailable", "connection refused");
  };
  expect(await index.search("star number 57", linking)).toEqual(expect.any(Array));
  executor.beforeEach = (_, { signal: ended }) =>
    new Promise((resolve) => ended.addEventListener("abort", () => resolve(), { once: true }));
  expect(await index.search("star number 56", typing)).toEqual(expect.any(Array));
});

test("an open index does not keep the process alive", async () => {
  const program = `
    import { createLabelIndex } from ${JSON.stringify(new URL("../../../dist/terms/labels/label-index.js", import.meta.url).href)};
    const executor = { async *execute() { yield { kind: "end", completeness: { status: "complete" } }; }, async close() {} };
    const profile = { tripleCount: 0, prefixes: {}, classes: [{ iri: "urn:Thing", labels: [], count: 1, directCount: 1, superclasses: [] }], properties: [], links: [], labelPredicates: [], alternativePredicates: [], labelPaths: [], valueNodes: [], languages: [] };
    const { signal } = new AbortController();
    const index = await createLabelIndex({ executor, profile, kind: "embedded", signal });
    const [hit] = await index.search("thing", { mode: "link", signal });
    console.log(hit.iri);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 20_000,
  });
  expect(stdout).toBe("urn:Thing\n");
});
