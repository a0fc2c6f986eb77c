import type { LabelHit, LabelIndex } from "../labels.js";
import type { TermProvider, TermQuery, TermSuggestion } from "../term-provider.js";

export interface LabelProviderOptions {
  /** Also the name of the ontology of terms whose IRIs tell no other; usually the endpoint's id. */
  readonly id: string;
  /** Made at the first use by its owner and kept there, as with `Endpoint.labels`. */
  readonly labels: (signal: AbortSignal) => Promise<LabelIndex>;
}

/** Identifiers of the OBO Foundry: `…/obo/GO_0008150`, `…/obo/MONDO_0005148`. */
const OBO_IRI = /\/([A-Za-z][A-Za-z0-9]*)_\d+$/;
/** Where a name of an ontology was given, more hits are looked at, since the index cannot tell ontologies apart. */
const OVERSAMPLING = 5;

/** Suggests terms out of an endpoint's own names: classes, properties and entities, not bare values. */
export function createLabelProvider({ id, labels }: LabelProviderOptions): TermProvider {
  return {
    id,
    async find(query) {
      const index = await labels(query.signal);
      const hits = await index.search(query.text, {
        limit: query.ontology === undefined ? query.limit : query.limit * OVERSAMPLING,
        kinds: ["class", "property", "entity"],
        mode: query.mode === "search" ? "link" : "autocomplete",
        signal: query.signal,
      });
      return hits
        .map((hit) => toSuggestion(hit, id))
        .filter((suggestion) => isOfOntology(suggestion, query))
        .slice(0, query.limit);
    },
    // The index belongs to the endpoint.
    close: async () => undefined,
  };
}

function toSuggestion(hit: LabelHit, id: string): TermSuggestion {
  return {
    iri: hit.iri,
    label: hit.label,
    description: hit.description ?? "",
    ontology: OBO_IRI.exec(hit.iri)?.[1]?.toLowerCase() ?? id,
    synonyms: hit.synonyms ?? [],
    score: hit.score,
  };
}

function isOfOntology({ ontology }: TermSuggestion, query: TermQuery): boolean {
  return query.ontology === undefined || ontology.toLowerCase() === query.ontology.toLowerCase();
}
