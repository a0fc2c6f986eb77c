/** What is known of an endpoint's data: made once under a time budget, cached by fingerprint, refreshed behind. */
export interface SchemaProfile {
  /** Raised whenever the form of this record changes; a cached profile of another version is made again. */
  readonly version: 1;
  readonly endpointId: string;
  /** Changes when the data does, as far as the endpoint lets us know. */
  readonly fingerprint: string;
  /** ISO 8601. */
  readonly madeAt: string;
  /** `false` when the time budget ended before everything was asked. */
  readonly complete: boolean;
  readonly tripleCount: number | null;
  /** Prefix → namespace IRI, those of the data first. */
  readonly prefixes: Readonly<Record<string, string>>;
  readonly classes: readonly ClassProfile[];
  readonly properties: readonly PropertyProfile[];
  /** Class × property → range, with counts. */
  readonly links: readonly LinkProfile[];
  /** Predicates whose values name their subjects, the best first. */
  readonly labelPredicates: readonly string[];
  /** Predicates whose values are other names of their subjects: alternative labels, symbols, codes; the best first. */
  readonly alternativePredicates: readonly string[];
  /** Names that stand one node away from what they name. */
  readonly labelPaths: readonly LabelPath[];
  /** Nodes that only carry a value. */
  readonly valueNodes: readonly ValueNodeProfile[];
  /** Language tags of labels, the most frequent first. */
  readonly languages: readonly string[];
}

export interface NamedText {
  readonly text: string;
  /** BCP 47; absent for a plain literal. */
  readonly lang?: string;
}

export interface ClassProfile {
  readonly iri: string;
  /** Labels and alternative labels in the data; empty when there are none (then the local name serves). */
  readonly labels: readonly NamedText[];
  readonly comment?: string;
  /** Instances, subclasses' included where the data says so. */
  readonly count: number;
  /** Nodes that `?x a <class>` finds without inference. */
  readonly directCount: number;
  /** Transitive. */
  readonly superclasses: readonly string[];
}

export interface PropertyProfile {
  readonly iri: string;
  readonly labels: readonly NamedText[];
  readonly comment?: string;
  /** Triples. */
  readonly count: number;
  readonly distinctSubjects: number;
  readonly distinctObjects: number;
  readonly kind: "object" | "literal" | "mixed";
  readonly datatypes: readonly { readonly iri: string; readonly count: number }[];
  /** Of numbers, dates and years: the least and the greatest, as lexical forms. */
  readonly minimum?: string;
  readonly maximum?: string;
  /** All distinct values when they are few, else a sample. */
  readonly values: readonly ValueSample[];
  readonly valuesComplete: boolean;
  /** A property that says the same the other way round. */
  readonly inverse?: string;
}

/** A literal that occurs as a value, with what SPARQL needs to write it exactly. */
export interface ValueSample {
  readonly value: string;
  /** BCP 47; absent for a literal without a language. */
  readonly lang?: string;
  /** Absent for `xsd:string` and for literals with a language. */
  readonly datatype?: string;
  /** Triples with it; 1 in a sample that was not counted. */
  readonly count: number;
}

export interface LinkProfile {
  readonly domain: string;
  readonly property: string;
  /** The class of the objects; `null` for literals and for IRIs without a class. */
  readonly range: string | null;
  /** For literals. */
  readonly datatype: string | null;
  readonly count: number;
}

/** Nodes that carry a value and perhaps a unit, and nothing that one would ask for themselves. */
export interface ValueNodeProfile {
  /** Class of the nodes; `null` for blank nodes without a class. */
  readonly class: string | null;
  /** Properties that lead to such nodes. */
  readonly via: readonly string[];
  readonly valueProperty: string;
  readonly unitProperty?: string;
}

/** Instances of `class` are named by `?x <link> ?node . ?node <label> ?name`, where the node is there for its names alone. */
export interface LabelPath {
  readonly class: string;
  readonly link: string;
  readonly label: string;
}

/** An example query that the endpoint itself offers (SHACL `sh:SPARQLExecutable`). */
export interface ExampleQuery {
  readonly iri: string;
  /** The question in plain language. */
  readonly question: string;
  readonly sparql: string;
  readonly keywords: readonly string[];
}
