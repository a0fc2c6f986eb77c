import type { PropertyProfile, SchemaProfile } from "../../profile.js";

export function classes(counts: Readonly<Record<string, number>>): SchemaProfile["classes"] {
  return Object.entries(counts).map(([iri, count]) => ({
    iri,
    labels: [],
    count,
    directCount: count,
    superclasses: [],
  }));
}

/** Properties as `[triples, distinct subjects, distinct objects]`. */
export function properties(
  counts: Readonly<Record<string, readonly [number, number, number]>>,
): readonly PropertyProfile[] {
  return Object.entries(counts).map(([iri, [count, distinctSubjects, distinctObjects]]) => ({
    iri,
    labels: [],
    count,
    distinctSubjects,
    distinctObjects,
    kind: "mixed",
    datatypes: [],
    values: [],
    valuesComplete: false,
  }));
}

export function profileOf(parts: Partial<SchemaProfile>): SchemaProfile {
  return {
    version: 1,
    endpointId: "test",
    fingerprint: "test",
    madeAt: "2026-01-01T00:00:00Z",
    complete: true,
    tripleCount: null,
    prefixes: {},
    classes: [],
    properties: [],
    links: [],
    labelPredicates: [],
    alternativePredicates: [],
    labelPaths: [],
    valueNodes: [],
    languages: [],
    ...parts,
  };
}
