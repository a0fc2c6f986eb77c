import type { Endpoint } from "./endpoint.js";
import type { Binding } from "./rdf.js";

export type Projection = "rich" | "answer";

/** A span of the question: character offsets, end exclusive. */
export interface QuestionSpan {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What a span of the question was taken for. */
export interface SpanLink extends QuestionSpan {
  readonly kind: "class" | "property" | "entity" | "value" | "operator" | "type";
  /** Absent for operators and bare values. */
  readonly iri?: string;
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
  /** The pattern of the query that it became, in SPARQL. */
  readonly pattern?: string;
}

export interface Alternative {
  readonly sparql: string;
  readonly explanation: string;
  /** 0 to 1. */
  readonly confidence: number;
}

export interface Draft {
  readonly sparql: string;
  readonly explanation: string;
  /** 0 to 1, from the margin to the next candidate and the share of the question that was understood. */
  readonly confidence: number;
  readonly links: readonly SpanLink[];
  readonly notUnderstood: readonly QuestionSpan[];
  readonly alternatives: readonly Alternative[];
  /** One question back to the asker, where two readings are nearly equal. */
  readonly clarification?: string;
}

export type GenerationEvent =
  /** `stage` is the stage of the pipeline that this belongs to; `fraction` is how much of that stage is done, 0 to 1. */
  | {
      readonly kind: "step";
      readonly stage: "parsing" | "validating" | "generating";
      readonly fraction: number;
      readonly message: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "draft"; readonly draft: Draft };

export interface GenerationRequest {
  readonly question: string;
  readonly endpoint: Endpoint;
  readonly projection: Projection;
  readonly signal: AbortSignal;
  /** Runs a trial query under small limits; throws `EngineFailure`. A trial of an ASK gives one row `{boolean}`. */
  readonly trial: (
    sparql: string,
    limits: { readonly maxRows: number; readonly timeoutMs: number },
  ) => Promise<readonly Binding[]>;
}

/**
 * Port: a question → a draft. Yields `step`s in the order of their stages and one `draft` at the end;
 * throws `not_understood` when nothing of the question names anything at the endpoint.
 */
export interface Generator {
  readonly strategy: string;
  generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined>;
}
