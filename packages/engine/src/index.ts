export {
  type AnswerEvent,
  type AnswerRequest,
  type AnswerResult,
  type QueryWarning,
  STAGES,
  type Stage,
} from "./answer-events.js";
export { createEngine, type EngineOptions } from "./create-engine.js";
export type { Endpoint, EndpointEntry, EndpointHealth, HealthState } from "./endpoint.js";
export type { DataSource } from "./endpoints/embedded/data-files.js";
export {
  createEmbeddedExecutor,
  type EmbeddedExecutor,
  type EmbeddedOptions,
} from "./endpoints/embedded/executor.js";
export { fingerprintOf } from "./endpoints/embedded/fingerprint.js";
export { type DataFormat, dataFormatOf, type FileFormat, loadFormats } from "./endpoints/embedded/formats.js";
export type { LoadProgress } from "./endpoints/embedded/loader.js";
export type { PoolState, PoolStats } from "./endpoints/embedded/pool.js";
export { idOfUrl } from "./endpoints/entry.js";
export { PUBLIC_ENDPOINTS } from "./endpoints/public-endpoints.js";
export { createRemoteExecutor, type RemoteExecutorOptions } from "./endpoints/remote/executor.js";
export type { EndpointRegistry, Engine } from "./engine.js";
export type { Completeness, ExecuteOptions, ExecutionEvent, Executor, PreparedQuery } from "./executor.js";
export { ENGINE_FAILURES, EngineFailure, type EngineFailureCode, toEngineFailure } from "./failure.js";
export type { Projection, SpanLink } from "./generator.js";
export { demonstrationEntry } from "./graphs/demonstration.js";
export { LIMITS } from "./limits.js";
export {
  createNetworkGuard,
  type NetworkGuard,
  type NetworkGuardOptions,
  type Resolve,
} from "./network/guard.js";
export {
  createGuardedFetch,
  type GuardedFetch,
  type GuardedFetchOptions,
} from "./network/guarded-fetch.js";
export type { ClassProfile, ExampleQuery, PropertyProfile, SchemaProfile } from "./profile.js";
export { evaluate, type GradedQuestion, type QuestionScore } from "./question/evaluation.js";
export { createGroundedGenerator, type GroundedOptions } from "./question/generator.js";
export type { Binding, Term } from "./rdf.js";
export {
  RESULT_FORMATS,
  type ResultFormat,
  type ResultFormatEntry,
} from "./sparql/formats/result-formats.js";
export { type ResultHead, type WriteOptions, writeResults } from "./sparql/formats/write-results.js";
export type { TermProvider, TermQuery, TermSuggestion } from "./term-provider.js";
export { type FallbackOptions, withFallback } from "./terms/fallback-provider.js";
export { createLabelProvider, type LabelProviderOptions } from "./terms/label-provider.js";
export { createOls4Provider, type Ols4ProviderOptions } from "./terms/ols4-provider.js";
