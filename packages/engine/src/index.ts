export type {
  AnswerEvent,
  AnswerRequest,
  AnswerResult,
  QueryWarning,
  Stage,
} from "./answer-events.js";
export { STAGES } from "./answer-events.js";
export type { Endpoint, EndpointEntry, EndpointHealth, HealthState } from "./endpoint.js";
export type { EndpointRegistry, Engine } from "./engine.js";
export type { Completeness, ExecutionEvent, Executor, PreparedQuery } from "./executor.js";
export { ENGINE_FAILURES, EngineFailure, type EngineFailureCode, toEngineFailure } from "./failure.js";
export type { Projection, SpanLink } from "./generator.js";
export { LIMITS } from "./limits.js";
export type { Binding, Term } from "./rdf.js";
export type { TermQuery, TermSuggestion } from "./term-provider.js";
