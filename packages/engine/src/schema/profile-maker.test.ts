import { expect, test } from "vitest";
import { EngineFailure } from "../failure.js";
import type { SchemaProfile } from "../profile.js";
import { libraryGraph, shopGraph, thesaurusGraph } from "../testing/graphs.js";
import { createMemoryExecutor, type MemoryExecutor } from "../testing/memory-executor.js";
import { makeProfile } from "./profile-maker.js";

const RDFS = "http://www.w3.org/2000/01/rdf-schema#";
const SKOS = "http://www.w3.org/2004/02/skos/core#";
const XSD = "http://www.w3.org/2001/XMLSchema#";
const LIB = "https://library.test/def#";
const S = "https://schema.org/";

async function profileFrom(
  executor: MemoryExecutor,
  budgetMs = 60_000,
  signal = new AbortController().signal,
): Promise<SchemaProfile> {
  const options = {
    endpointId: "e",
    executor,
    prefixes: { mine: "urn:mine:" },
    fingerprint: "f",
    budgetMs,
    signal,
  };
  const profile = await makeProfile(options);
  expect(executor.refused).toEqual([]);
  return profile;
}

const property = (profile: SchemaProfile, iri: string) =>
  profile.properties.find((known) => known.iri === iri);
const classOf = (profile: SchemaProfile, iri: string) => profile.classes.find((known) => known.iri === iri);

test("classes are counted with and without their subclasses, and know what is above them", async () => {
  const profile = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(classOf(profile, `${LIB}Book`)).toMatchObject({
    count: 30,
    directCount: 20,
    superclasses: [`${LIB}Work`],
  });
  expect(classOf(profile, `${LIB}Novel`)).toMatchObject({
    count: 10,
    superclasses: [`${LIB}Book`, `${LIB}Work`],
  });
  expect(classOf(profile, `${LIB}Work`)).toMatchObject({ count: 30, directCount: 0 });
  expect(profile.classes.map(({ iri }) => iri)).not.toContain("http://www.w3.org/2002/07/owl#Class");
});

test("labels, alternative labels and comments of classes and properties are read in their languages", async () => {
  const profile = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(classOf(profile, `${LIB}Book`)).toMatchObject({
    labels: [
      { text: "book", lang: "en" },
      { text: "Buch", lang: "de" },
    ],
    comment: "A printed work.",
  });
  expect(classOf(profile, `${LIB}Novel`)?.labels).toEqual([{ text: "romance", lang: "en" }]);
  expect(property(profile, `${LIB}author`)?.labels).toEqual([{ text: "written by", lang: "en" }]);
});

test("properties have counts, datatypes, ranges of values, and all values where they are few", async () => {
  const profile = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(property(profile, `${LIB}pages`)).toMatchObject({
    count: 30,
    distinctSubjects: 30,
    distinctObjects: 30,
    kind: "literal",
    minimum: "91",
    maximum: "120",
    datatypes: [{ iri: `${XSD}integer`, count: 30 }],
    valuesComplete: true,
  });
  expect(property(profile, `${LIB}born`)).toMatchObject({ minimum: "1921-05-01", maximum: "1930-05-01" });
  expect(property(profile, `${LIB}language`)).toMatchObject({
    values: [
      { value: "English", count: 15 },
      { value: "Old Norse", count: 15 },
    ],
    valuesComplete: true,
  });
  expect(property(profile, `${LIB}author`)).toMatchObject({ kind: "object", count: 30, distinctObjects: 10 });
});

test("links connect classes through properties with their counts", async () => {
  const profile = await profileFrom(createMemoryExecutor(libraryGraph()));
  const ways = profile.links.filter((link) => link.property === `${LIB}author`);
  expect(ways).toEqual([
    { domain: `${LIB}Book`, property: `${LIB}author`, range: `${LIB}Writer`, datatype: null, count: 20 },
    { domain: `${LIB}Novel`, property: `${LIB}author`, range: `${LIB}Writer`, datatype: null, count: 10 },
  ]);
  expect(profile.links).toContainEqual({
    domain: `${LIB}Writer`,
    property: `${LIB}born`,
    range: null,
    datatype: `${XSD}date`,
    count: 10,
  });
});

test("inverse properties are found by declaration and by looking, symmetric ones are their own inverse", async () => {
  const declared = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(property(declared, `${LIB}author`)?.inverse).toBe(`${LIB}authorOf`);
  expect(property(declared, `${LIB}authorOf`)?.inverse).toBe(`${LIB}author`);
  expect(property(declared, `${LIB}knows`)?.inverse).toBe(`${LIB}knows`);
  expect(property(declared, `${LIB}mass`)).not.toHaveProperty("inverse");
  const observed = await profileFrom(createMemoryExecutor(thesaurusGraph()));
  expect(property(observed, `${SKOS}broader`)?.inverse).toBe(`${SKOS}narrower`);
});

test("predicates that name things are told from codes, texts and addresses by how they behave", async () => {
  const library = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(library.labelPredicates).toEqual([`${RDFS}label`]);
  expect(library.alternativePredicates.toSorted()).toEqual([`${SKOS}altLabel`, `${LIB}shelfmark`].toSorted());
  const thesaurus = await profileFrom(createMemoryExecutor(thesaurusGraph()));
  expect(thesaurus.labelPredicates).toEqual([`${SKOS}prefLabel`]);
  expect(thesaurus.alternativePredicates).toEqual(
    expect.arrayContaining([`${SKOS}altLabel`, `${SKOS}notation`]),
  );
  expect(thesaurus.alternativePredicates).not.toContain(`${SKOS}definition`);
  expect(thesaurus.languages).toEqual(["de", "en"]);
  const shop = await profileFrom(createMemoryExecutor(shopGraph()));
  expect(shop.labelPredicates).toContain(`${S}name`);
  expect(shop.labelPredicates).toContain("urn:shop:vocab:tradeTitle");
  expect(shop.alternativePredicates).toContain(`${S}sku`);
  expect([...shop.labelPredicates, ...shop.alternativePredicates]).not.toContain(`${S}email`);
});

test("nodes that only carry a number and a unit are value nodes, with and without a class", async () => {
  const library = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(library.valueNodes).toEqual([
    {
      class: `${LIB}Quantity`,
      via: [`${LIB}mass`],
      valueProperty: `${LIB}number`,
      unitProperty: `${LIB}unit`,
    },
  ]);
  const shop = await profileFrom(createMemoryExecutor(shopGraph()));
  expect(shop.valueNodes).toEqual([
    { class: null, via: [`${S}weight`], valueProperty: `${S}value`, unitProperty: `${S}unitCode` },
  ]);
});

test("names that stand one node away are found as paths, the proper name before the short one", async () => {
  const shop = await profileFrom(createMemoryExecutor(shopGraph()));
  const domain = "urn:shop:vocab:Enzyme";
  const link = "urn:shop:vocab:properName";
  expect(shop.labelPaths).toEqual([
    { class: domain, link, label: "urn:shop:vocab:fullText" },
    { class: domain, link, label: "urn:shop:vocab:shortText" },
  ]);
});

test("prefixes are those given, the usual ones, and made-up ones for other namespaces", async () => {
  const { prefixes } = await profileFrom(createMemoryExecutor(libraryGraph()));
  expect(prefixes.mine).toBe("urn:mine:");
  expect(prefixes.rdfs).toBe(RDFS);
  expect(Object.values(prefixes)).toContain(LIB);
  expect(Object.values(prefixes)).toContain("https://library.test/writer/");
});

test("the same data in another order give the same profile", async () => {
  const graph = createMemoryExecutor(libraryGraph());
  const first = await profileFrom(graph);
  const lines = ["<https://x.test/a> <https://x.test/p> 1 .", "<https://x.test/b> <https://x.test/p> 2 ."];
  const forwards = await profileFrom(createMemoryExecutor(lines.join("\n")));
  const backwards = await profileFrom(createMemoryExecutor(lines.toReversed().join("\n")));
  expect({ ...(await profileFrom(graph)), madeAt: "" }).toEqual({ ...first, madeAt: "" });
  expect({ ...backwards, madeAt: "" }).toEqual({ ...forwards, madeAt: "" });
});

test("an endpoint that cannot count is sampled class by class", async () => {
  const executor = createMemoryExecutor(libraryGraph());
  executor.beforeEach = ({ text }) => {
    if (/SELECT (?:\?p )?\(COUNT|GROUP BY \?p ORDER/.test(text) && !text.includes("LIMIT 300")) {
      throw new EngineFailure("query_timeout", "too slow");
    }
  };
  const profile = await profileFrom(executor);
  expect(profile.tripleCount).toBeNull();
  expect(classOf(profile, `${LIB}Novel`)?.directCount).toBe(10);
  expect(profile.links).toContainEqual({
    domain: `${LIB}Novel`,
    property: `${LIB}author`,
    range: `${LIB}Writer`,
    datatype: null,
    count: 10,
  });
  expect(profile.labelPredicates).toEqual([`${RDFS}label`]);
});

test("published VoID statistics stand in for counting, unless they describe some other endpoint", async () => {
  const description = (name: string) => `
    @prefix void: <http://rdfs.org/ns/void#> . @prefix : <https://library.test/def#> .
    [] void:classPartition [ void:class :${name} ; void:entities 7000 ;
        void:propertyPartition [ void:property :author ; void:triples 6500 ; void:classPartition [ void:class :Writer ] ] ] ;
       void:classPartition [ void:class :Writer ; void:entities 300 ] ;
       void:propertyPartition [ void:property :author ; void:triples 8000 ; void:distinctSubjects 7000 ; void:distinctObjects 300 ] .`;
  const cannotCount = (executor: MemoryExecutor) => {
    executor.beforeEach = ({ text }) => {
      if (text.startsWith("SELECT (COUNT(*)")) throw new EngineFailure("query_timeout", "too slow");
    };
    return executor;
  };
  const described = await profileFrom(
    cannotCount(createMemoryExecutor(`${libraryGraph()}\n${description("Novel")}`)),
  );
  expect(classOf(described, `${LIB}Novel`)?.directCount).toBe(7000);
  expect(property(described, `${LIB}author`)).toMatchObject({ count: 8000, distinctObjects: 300 });
  expect(described.links[0]).toMatchObject({ domain: `${LIB}Novel`, range: `${LIB}Writer`, count: 6500 });
  const foreign = await profileFrom(
    cannotCount(createMemoryExecutor(`${libraryGraph()}\n${description("Star")}`)),
  );
  expect(foreign.classes.map(({ iri }) => iri)).not.toContain(`${LIB}Star`);
  expect(classOf(foreign, `${LIB}Novel`)?.directCount).toBe(10);
});

test("when the budget ends, what is known is kept and the profile says that it is incomplete", async () => {
  const executor = createMemoryExecutor(libraryGraph());
  executor.beforeEach = ({ text }, { signal }) =>
    /OPTIONAL \{ \?s a \?d \}/.test(text)
      ? new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
      : undefined;
  const profile = await profileFrom(executor, 1_500);
  expect(profile.complete).toBe(false);
  expect(classOf(profile, `${LIB}Writer`)?.count).toBe(10);
  expect(property(profile, `${LIB}author`)?.count).toBe(30);
  expect(profile.links).toEqual([]);
});

test("an abort ends the making at once with query_cancelled", async () => {
  const executor = createMemoryExecutor(libraryGraph());
  const abort = new AbortController();
  executor.beforeEach = () => {
    if (executor.asked.length === 4) abort.abort();
  };
  await expect(profileFrom(executor, 60_000, abort.signal)).rejects.toMatchObject({
    code: "query_cancelled",
  });
  expect(executor.asked).toHaveLength(4);
});

test("an endpoint that cannot be reached fails with its own failure instead of giving an empty profile", async () => {
  const executor = createMemoryExecutor("");
  executor.beforeEach = () => {
    throw new EngineFailure("endpoint_unavailable", "connection refused");
  };
  await expect(profileFrom(executor)).rejects.toMatchObject({ code: "endpoint_unavailable" });
});

test("an empty graph has an empty profile", async () => {
  const profile = await profileFrom(createMemoryExecutor(""));
  expect(profile).toMatchObject({
    complete: true,
    tripleCount: 0,
    classes: [],
    properties: [],
    links: [],
    valueNodes: [],
  });
});

test("SHACL shapes name properties and fill in what was not seen", async () => {
  const executor = createMemoryExecutor(`
    @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <https://shape.test/> .
    :Shape a sh:NodeShape ; sh:targetClass :Sensor ; sh:property [ sh:path :reads ; sh:name "reading"@en ; sh:description "What it saw." ] .
    :s1 a :Sensor ; :reads 4 . :s2 a :Sensor ; :reads 5 .`);
  const profile = await profileFrom(executor);
  expect(property(profile, "https://shape.test/reads")).toMatchObject({
    labels: [{ text: "reading", lang: "en" }],
    comment: "What it saw.",
  });
  expect(profile.classes.map(({ iri }) => iri)).toEqual(["https://shape.test/Sensor"]);
});

test("an ontology without instances keeps its classes as the things one asks for", async () => {
  const terms = Array.from(
    { length: 12 },
    (_, at) =>
      `<https://o.test/T${at}> a owl:Class ; rdfs:label "term number ${at}" ; rdfs:subClassOf <https://o.test/T0> .`,
  );
  const executor = createMemoryExecutor(
    `@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <${RDFS}> .\n${terms.join("\n")}`,
  );
  const profile = await profileFrom(executor);
  expect(profile.classes.map(({ iri }) => iri)).toContain("http://www.w3.org/2002/07/owl#Class");
  expect(property(profile, `${RDFS}subClassOf`)?.count).toBe(12);
});
