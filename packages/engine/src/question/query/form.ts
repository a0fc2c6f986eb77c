/**
 * A query as data. Operators build and change this form; only the serializer makes text of it, so that no name
 * from the data or the question can become syntax.
 */
export type QueryTerm =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "iri"; readonly iri: string }
  | { readonly kind: "literal"; readonly value: string; readonly lang?: string; readonly datatype?: string };

/** Properties one after the other; the last may be followed any number of times. */
export interface PropertyPath {
  readonly steps: readonly string[];
  readonly closure?: boolean;
}

export type Pattern =
  | {
      readonly kind: "triple";
      readonly subject: QueryTerm;
      readonly path: PropertyPath | QueryTerm;
      readonly object: QueryTerm;
    }
  | { readonly kind: "values"; readonly variable: string; readonly terms: readonly QueryTerm[] }
  | { readonly kind: "optional"; readonly patterns: readonly Pattern[] }
  | { readonly kind: "absent"; readonly patterns: readonly Pattern[] }
  | { readonly kind: "filter"; readonly expression: Expression };

export type Expression =
  | QueryTerm
  | {
      readonly kind: "compare";
      readonly operator: "<" | "<=" | ">" | ">=" | "=" | "!=";
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "every"; readonly operands: readonly Expression[] }
  | {
      readonly kind: "call";
      readonly name: "LANG" | "STR" | "YEAR" | "LANGMATCHES";
      readonly operands: readonly Expression[];
    }
  | {
      readonly kind: "aggregate";
      readonly name: "COUNT" | "SUM" | "AVG" | "MIN" | "MAX";
      readonly distinct: boolean;
      readonly of: Expression;
    };

export interface ProjectedExpression {
  readonly expression: Expression;
  /** Variable name; for a plain variable its own. */
  readonly as: string;
}

export interface QueryForm {
  readonly form: "select" | "ask";
  readonly distinct: boolean;
  readonly projection: readonly ProjectedExpression[];
  readonly where: readonly Pattern[];
  readonly groupBy: readonly string[];
  readonly having: readonly Expression[];
  readonly orderBy: readonly { readonly expression: Expression; readonly descending: boolean }[];
  readonly limit: number | null;
  readonly offset: number;
}

export function variable(name: string): QueryTerm & { readonly kind: "variable" } {
  return { kind: "variable", name };
}

export function iri(value: string): QueryTerm {
  return { kind: "iri", iri: value };
}
