import type { Template } from "./template.js";

/** The checked form of `mapping.json`: prefixes resolved, templates read. See MAPPING.md for what each part means. */

export interface LiteralRule {
  readonly kind: "literal";
  readonly predicate: string;
  readonly datatype?: string;
  readonly lang?: string;
  readonly separator?: string;
}

export interface IriRule {
  readonly kind: "iri";
  readonly predicate: string;
  readonly template?: Template;
  readonly separator?: string;
  readonly inverse: boolean;
}

export type Rule = LiteralRule | IriRule;

export interface ColumnRules {
  readonly column: string;
  readonly rules: readonly Rule[];
}

export interface Constant {
  readonly predicate: string;
  readonly object: string;
}

/** What a subject says: used for rows and for nodes alike. */
export interface Description {
  readonly types: readonly string[];
  readonly columns: readonly ColumnRules[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly NodeRule[];
}

export interface NodeRule extends Description {
  readonly predicate: string;
  readonly iri: Template;
  readonly when: readonly string[];
  readonly each?: string;
  readonly separator?: string;
  readonly inverse: boolean;
}

export interface TableMapping extends Description {
  readonly file: string;
  readonly subject: Template;
  readonly key: readonly string[];
  readonly required: readonly string[];
  readonly ignore: readonly string[];
}

export interface Mapping {
  readonly prefixes: ReadonlyMap<string, string>;
  readonly tables: readonly TableMapping[];
}

/** Prefixes every mapping may use without saying so. */
export const KNOWN_PREFIXES: ReadonlyMap<string, string> = new Map([
  ["owl", "http://www.w3.org/2002/07/owl#"],
  ["rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"],
  ["rdfs", "http://www.w3.org/2000/01/rdf-schema#"],
  ["skos", "http://www.w3.org/2004/02/skos/core#"],
  ["xsd", "http://www.w3.org/2001/XMLSchema#"],
]);
