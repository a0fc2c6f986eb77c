export type LabelKind = "class" | "property" | "entity" | "value";

export interface LabelHit {
  /** For a `value`: the IRI of its property. */
  readonly iri: string;
  /** The preferred label. */
  readonly label: string;
  /** The text that matched: a label, an alternative label, an identifier, or for a `value` the literal. */
  readonly matched: string;
  readonly kind: LabelKind;
  /** Classes of an entity. */
  readonly classes: readonly string[];
  readonly description?: string;
  readonly synonyms?: readonly string[];
  /** For a `value`: the property that it stands under, and what its literal carries beside the text. */
  readonly property?: string;
  readonly lang?: string;
  readonly datatype?: string;
  /** 0 to 1. */
  readonly score: number;
  readonly match: "exact" | "prefix" | "tokens" | "fuzzy";
}

export interface LabelSearchOptions {
  /** Default 10. */
  readonly limit?: number;
  /** Default: all. */
  readonly kinds?: readonly LabelKind[];
  /** `autocomplete` takes the last word as a prefix; `link` is for a span of a question. */
  readonly mode: "autocomplete" | "link";
  readonly signal: AbortSignal;
}

/** The names of an endpoint's classes, properties, entities and few-valued literals. */
export interface LabelIndex {
  /** Names held; a remote endpoint's index may hold a part and ask for the rest. */
  readonly size: number;
  search(text: string, options: LabelSearchOptions): Promise<readonly LabelHit[]>;
  /** Several spans of one question at once, in their order. */
  searchMany(
    texts: readonly string[],
    options: LabelSearchOptions,
  ): Promise<readonly (readonly LabelHit[])[]>;
  /** Preferred labels of known IRIs; unknown ones are absent. */
  labelsOf(iris: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
}
