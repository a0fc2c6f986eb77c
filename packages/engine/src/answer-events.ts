import type { Completeness } from "./executor.js";
import type { Alternative, Projection, QuestionSpan, SpanLink } from "./generator.js";
import type { Binding } from "./rdf.js";

/** The stages of an answer, in their order. */
export const STAGES = [
  "parsing",
  "validating",
  "generating",
  "optimizing",
  "executing",
  "formatting",
  "completed",
] as const;

export type Stage = (typeof STAGES)[number];

/** Exactly one of `question` and `sparql`. */
export interface AnswerRequest {
  readonly question?: string;
  readonly sparql?: string;
  /** Default `local`. */
  readonly endpointId?: string;
  /** An ad-hoc endpoint, where the engine allows them. */
  readonly endpointUrl?: string;
  /** Sent to that address with each query; what was opened with others is not used. */
  readonly endpointHeaders?: Readonly<Record<string, string>>;
  /** Default `auto`. */
  readonly strategy?: string;
  /** `false`: stop after `optimizing`. Default `true`. */
  readonly execute?: boolean;
  /** Rows; at most the engine's cap, which is also the default. */
  readonly limit?: number;
  /** Milliseconds of the endpoint's work. Default 30 000, at most 120 000. */
  readonly timeoutMs?: number;
  /** Default `rich`. */
  readonly projection?: Projection;
  /** W3C Trace Context, handed on to a remote endpoint. Default: none. */
  readonly traceparent?: string;
}

export interface QueryWarning {
  readonly code:
    | "unbound_projection"
    | "cartesian_product"
    | "unknown_class"
    | "unknown_property"
    | "prefix_added"
    | "type_rewritten";
  readonly message: string;
  /** 1-based. */
  readonly line?: number;
  readonly column?: number;
  /** The nearest known name, or the declaration that would help. */
  readonly suggestion?: string;
}

export type AnswerEvent =
  | {
      readonly kind: "progress";
      readonly stage: Stage;
      /** 0 to 1; never goes back within one answer. */
      readonly progress: number;
      readonly message: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "head"; readonly variables: readonly string[] }
  | { readonly kind: "rows"; readonly rows: readonly Binding[] }
  | { readonly kind: "result"; readonly result: AnswerResult };

export interface AnswerResult {
  /** The SPARQL that was (or would be) executed. */
  readonly query: string;
  readonly form: "select" | "ask" | "construct" | "describe";
  readonly executed: boolean;
  readonly variables: readonly string[];
  /** For ASK. */
  readonly boolean?: boolean;
  readonly rowCount: number;
  /** Of the endpoint's work. */
  readonly executionTimeMs: number;
  readonly explanation: string;
  /** 0 to 1; 1 for a query that the asker wrote. */
  readonly confidence: number;
  /** `digest`: SHA-256, hex, over the rows as N-Triples terms joined by tabs, each row ended by a line feed. */
  readonly completeness: Completeness & { readonly digest: string };
  readonly links: readonly SpanLink[];
  readonly notUnderstood: readonly QuestionSpan[];
  readonly alternatives: readonly Alternative[];
  readonly clarification?: string;
  readonly warnings: readonly QueryWarning[];
}
