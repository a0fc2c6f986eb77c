import type { AnswerEvent, AnswerRequest } from "./answer-events.js";
import type { Endpoint, EndpointEntry, EndpointHealth } from "./endpoint.js";
import type { TermQuery, TermSuggestion } from "./term-provider.js";

/** Endpoints in use, by id. */
export interface EndpointRegistry {
  get(id: string): Endpoint | undefined;
  list(): readonly Endpoint[];
  /** By id, or by one of the dataset IRIs that an entry lists. */
  findByDataset(dataset: string): Endpoint | undefined;
  /** Throws `bad_request` where the entry is not valid or its id is taken. */
  add(entry: EndpointEntry): Endpoint;
  remove(id: string): Promise<boolean>;
  /** Told whenever the state of an endpoint changes. Returns the way to stop listening. */
  onHealthChange(listener: (endpoint: Endpoint, health: EndpointHealth) => void): () => void;
}

/** Everything behind the sockets: question → SPARQL → rows. */
export interface Engine {
  /**
   * Answers one request. Yields progress in the order of the stages, then (when executed) `head` and `rows`, and at
   * the end one `result` followed by the progress `completed`. Failures are thrown as `EngineFailure`.
   *
   * It is pulled: while the caller does not ask for the next event the endpoint is paused. Aborting the signal
   * throws `query_cancelled`; ending the iteration early stops the endpoint's work too.
   */
  answer(request: AnswerRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined>;
  readonly endpoints: EndpointRegistry;
  findTerms(query: TermQuery, endpointId?: string): Promise<readonly TermSuggestion[]>;
  /** Settles when every embedded endpoint has loaded its data (or failed to). */
  ready(): Promise<void>;
  close(): Promise<void>;
}
