import { expect, test } from "vitest";
import type { LabelHit, LabelIndex, LabelSearchOptions } from "../labels.js";
import { createLabelProvider } from "./label-provider.js";

const HITS: readonly LabelHit[] = [
  hit("http://purl.obolibrary.org/obo/GO_0006915", "apoptotic process", "class", 0.9),
  hit("http://purl.obolibrary.org/obo/MONDO_0005148", "type 2 diabetes", "class", 0.8),
  hit("http://example.org/apoptosis", "apoptosis", "entity", 0.7),
];

function hit(iri: string, label: string, kind: LabelHit["kind"], score: number): LabelHit {
  return { iri, label, matched: label, kind, classes: [], score, match: "prefix", synonyms: [`${label}!`] };
}

/** An index over a list, with the port's promises on limit and kinds. */
function listIndex(asked: LabelSearchOptions[]): LabelIndex {
  const search = async (_text: string, options: LabelSearchOptions) => {
    asked.push(options);
    return HITS.filter((found) => options.kinds?.includes(found.kind) ?? true).slice(0, options.limit ?? 10);
  };
  return {
    size: HITS.length,
    search,
    searchMany: (texts, options) => Promise.all(texts.map((text) => search(text, options))),
    labelsOf: async () => new Map(),
  };
}

test("names of an endpoint come as terms, with the ontology that their IRIs tell or the endpoint's id", async () => {
  const asked: LabelSearchOptions[] = [];
  const provider = createLabelProvider({ id: "local", labels: async () => listIndex(asked) });
  const { signal } = new AbortController();
  const found = await provider.find({ text: "apo", limit: 10, mode: "autocomplete", signal });
  expect(found.map(({ label, ontology, score }) => [label, ontology, score])).toEqual([
    ["apoptotic process", "go", 0.9],
    ["type 2 diabetes", "mondo", 0.8],
    ["apoptosis", "local", 0.7],
  ]);
  expect(found[0]).toMatchObject({ synonyms: ["apoptotic process!"], description: "" });
  expect(asked[0]).toMatchObject({ mode: "autocomplete", limit: 10, signal });
  expect(asked[0]?.kinds).not.toContain("value");
});

test("an ontology narrows the terms, and the limit counts what is left", async () => {
  const provider = createLabelProvider({ id: "local", labels: async () => listIndex([]) });
  const { signal } = new AbortController();
  const find = (ontology: string) => provider.find({ text: "x", limit: 1, mode: "search", ontology, signal });
  expect((await find("MONDO")).map(({ label }) => label)).toEqual(["type 2 diabetes"]);
  expect((await find("local")).map(({ label }) => label)).toEqual(["apoptosis"]);
  expect(await find("hp")).toEqual([]);
});
