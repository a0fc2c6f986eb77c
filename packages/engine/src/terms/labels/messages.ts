import type { LabelHit, LabelKind } from "../../labels.js";

/**
 * Where a name comes from, which decides its weight: the preferred label, another name, the name of a node one hop
 * away, or the last part of the IRI.
 */
export type NameRole = "label" | "alternative" | "path" | "identifier";

/** Names of entities in columns of the same length; `""` in `langs` for none. */
export interface NameBatch {
  readonly type: "names";
  readonly role: NameRole;
  /** Order of the predicate among those of its role: a subject's label is the one of the lowest rank. */
  readonly rank: number;
  readonly iris: readonly string[];
  readonly texts: readonly string[];
  readonly langs: readonly string[];
  /** The class of all of them, where it is known beforehand. */
  readonly class?: string;
}

/** Classes of entities in columns of the same length. */
export interface ClassBatch {
  readonly type: "classes";
  readonly iris: readonly string[];
  readonly classes: readonly string[];
  /** Entities without a name are taken too when they are of one of these classes: their IRI has to name them. */
  readonly nameless: readonly string[];
}

/** How often entities are referred to, in columns of the same length. */
interface DegreeBatch {
  readonly type: "degrees";
  readonly iris: readonly string[];
  readonly degrees: readonly number[];
}

/** A class, a property or a value: something that the schema knows. */
export interface SchemaName {
  readonly kind: Exclude<LabelKind, "entity">;
  readonly iri: string;
  readonly names: readonly { readonly role: NameRole; readonly text: string; readonly lang: string }[];
  readonly degree: number;
  readonly description?: string;
  /** For a value: what its literal carries beside the text. */
  readonly lang?: string;
  readonly datatype?: string;
}

interface SchemaBatch {
  readonly type: "schema";
  readonly entries: readonly SchemaName[];
}

export type BuildMessage = NameBatch | ClassBatch | DegreeBatch | SchemaBatch;

export interface SearchRequest {
  readonly texts: readonly string[];
  readonly limit: number;
  readonly kinds: readonly LabelKind[] | null;
  readonly mode: "autocomplete" | "link";
}

/** To the worker. `id` comes back with the answer. */
export type LabelRequest = { readonly id: number } & (
  | { readonly type: "build"; readonly batch: BuildMessage }
  | { readonly type: "seal" }
  | { readonly type: "search"; readonly search: SearchRequest }
  | { readonly type: "labels"; readonly iris: readonly string[] }
);

/** From the worker: one for each request. */
export type LabelReply = {
  readonly id: number;
} /** `full`: the table holds as many names as it may; more are dropped. */ & (
  | { readonly type: "built"; readonly nameCount: number; readonly full: boolean }
  | { readonly type: "hits"; readonly hits: readonly (readonly LabelHit[])[] }
  | { readonly type: "labels"; readonly labels: readonly (readonly [string, string])[] }
  | { readonly type: "failed"; readonly message: string }
);

/** What the worker is started with. */
export interface LabelWorkerData {
  readonly maxNames: number;
  /** BCP 47 language whose labels are preferred. */
  readonly language: string;
}
