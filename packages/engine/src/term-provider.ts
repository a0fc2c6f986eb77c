export interface TermSuggestion {
  readonly iri: string;
  readonly label: string;
  readonly description: string;
  readonly ontology: string;
  readonly synonyms: readonly string[];
  /** 0 to 1, comparable within one answer. */
  readonly score: number;
}

export interface TermQuery {
  readonly text: string;
  /** For example `go`, `mondo`; absent: all that the provider has. */
  readonly ontology?: string;
  readonly limit: number;
  /** `search` finds whole words anywhere, `autocomplete` takes the last word as a prefix. */
  readonly mode: "search" | "autocomplete";
  readonly signal: AbortSignal;
}

/** Port: looks up ontology terms. Implementations: an endpoint's own labels, OLS4. */
export interface TermProvider {
  readonly id: string;
  find(query: TermQuery): Promise<readonly TermSuggestion[]>;
  close(): Promise<void>;
}
