import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryExecutor } from "../testing/memory-executor.js";
import { readExamples } from "./examples.js";

const signal = new AbortController().signal;
const TURTLE = `
@prefix ex: <https://examples.test/> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix schema: <https://schema.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:names owl:imports ex:more ; sh:declare [ sh:prefix "v" ; sh:namespace "https://vocab.test/"^^xsd:anyURI ] .
ex:more sh:declare [ sh:prefix "w" ; sh:namespace "https://words.test/"^^xsd:anyURI ] , [ sh:prefix "unused" ; sh:namespace "urn:unused:"^^xsd:anyURI ] .
ex:2 a sh:SPARQLExecutable, sh:SPARQLSelectExecutable ; rdfs:comment "Quels livres ?"@fr, "Which <em>books</em> are there &amp; where?"@en ; sh:prefixes ex:names ;
  schema:keywords "book", "place" ;
  sh:select """SELECT ?b WHERE { ?b a v:Book ; w:place "x:y", <w:z> ; mine:tag 1 } # v2:comment""" .
ex:1 a sh:SPARQLAskExecutable ; rdfs:comment "Is there a book?" ; sh:prefixes ex:names ; sh:ask "PREFIX v: <urn:own:> ASK { ?b a v:Book }" .
ex:3 a sh:SPARQLConstructExecutable ; rdfs:label "Copy all" ; sh:construct "CONSTRUCT WHERE { ?s ?p ?o }" .
ex:4 a sh:SPARQLSelectExecutable ; sh:select "SELECT * WHERE { ?s ?p ?o }" .
ex:5 a sh:SPARQLDescribeExecutable ; rdfs:comment "Tell me about it" ; sh:describe "DESCRIBE <urn:it>" .
ex:6 a sh:SPARQLConstraint ; rdfs:comment "no example" ; sh:select "SELECT $this WHERE {}" .
`;

const EXPECTED = [
  {
    iri: "https://examples.test/1",
    question: "Is there a book?",
    sparql: "PREFIX v: <urn:own:> ASK { ?b a v:Book }",
    keywords: [],
  },
  {
    iri: "https://examples.test/2",
    question: "Which books are there & where?",
    sparql: `PREFIX mine: <urn:mine:>
PREFIX v: <https://vocab.test/>
PREFIX w: <https://words.test/>
SELECT ?b WHERE { ?b a v:Book ; w:place "x:y", <w:z> ; mine:tag 1 } # v2:comment`,
    keywords: ["book", "place"],
  },
  {
    iri: "https://examples.test/3",
    question: "Copy all",
    sparql: "CONSTRUCT WHERE { ?s ?p ?o }",
    keywords: [],
  },
  { iri: "https://examples.test/5", question: "Tell me about it", sparql: "DESCRIBE <urn:it>", keywords: [] },
];
const prefixes = { mine: "urn:mine:", v: "urn:loses:" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "examples-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("examples are read from a file with their question, keywords and declared prefixes", async () => {
  const file = join(folder, "examples.ttl");
  await writeFile(file, TURTLE);
  expect(await readExamples({ files: [file], executor: null, prefixes, signal })).toEqual(EXPECTED);
});

test("the same examples are read from the endpoint's own data", async () => {
  const executor = createMemoryExecutor(TURTLE);
  expect(await readExamples({ files: [], executor, prefixes, signal })).toEqual(EXPECTED);
  expect(executor.refused).toEqual([]);
});

test("an endpoint without examples has none", async () => {
  expect(await readExamples({ files: [], executor: createMemoryExecutor(""), prefixes, signal })).toEqual([]);
});

test("a file that cannot be read is named with its line", async () => {
  const file = join(folder, "broken.ttl");
  await writeFile(file, "<urn:a> <urn:b> <urn:c> .\n<urn:a> nonsense .\n");
  const broken = readExamples({ files: [file], executor: null, prefixes, signal });
  await expect(broken).rejects.toMatchObject({ code: "data_unreadable", detail: file, place: { line: 2 } });
  const missing = readExamples({ files: [join(folder, "missing.ttl")], executor: null, prefixes, signal });
  await expect(missing).rejects.toMatchObject({ code: "data_unreadable" });
  const odd = readExamples({ files: [join(folder, "examples.docx")], executor: null, prefixes, signal });
  await expect(odd).rejects.toThrow(/\.ttl/);
});
