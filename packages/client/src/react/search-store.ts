import type { ServerPayloads } from "@sparql-live/protocol";
import type { SearchOptions, SPARQLWebSocketClient } from "../client.js";
import { abortedError, SparqlLiveError } from "../errors.js";
import { createStore, type ReadableStore } from "../store.js";

export interface SearchView {
  /** Of the latest search that was answered. */
  readonly suggestions: ServerPayloads["ontology_suggestion"]["suggestions"];
  /** A search is to come, or under way. */
  readonly isLoading: boolean;
  readonly error: SparqlLiveError | null;
}

export interface SearchStore extends ReadableStore<SearchView> {
  /**
   * Takes the place of the one before, which is not answered any more. It waits for a connection however long, unless
   * `options` say otherwise. Nothing is asked for a blank text.
   */
  search(text: string, options: SearchOptions, debounceMs: number): void;
  /** Whatever comes is passed over. */
  stop(): void;
}

/** When the search before is over. A server gives up one for the next of the connection, which may be another field's. */
const turns = new WeakMap<SPARQLWebSocketClient, Promise<unknown>>();

export const NO_SEARCH: SearchView = { suggestions: [], isLoading: false, error: null };

export function createSearchStore(client: () => SPARQLWebSocketClient): SearchStore {
  const view = createStore<SearchView>(NO_SEARCH);
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    clearTimeout(timer);
    current?.abort();
    current = null;
  };
  const ask = async (text: string, options: SearchOptions) => {
    const own = new AbortController();
    current = own;
    let next: Partial<SearchView>;
    try {
      const { suggestions } = await inTurn(client(), () => {
        if (own.signal.aborted) throw abortedError(own.signal);
        return client().searchOntology(text, { timeoutMs: 0, ...options, signal: own.signal });
      });
      next = { suggestions, error: null };
    } catch (error) {
      if (!(error instanceof SparqlLiveError)) throw error;
      // A search of the application itself overtook it: what is shown stays.
      next = error.code === "superseded" ? {} : { error };
    }
    if (current === own) view.set({ ...view.getSnapshot(), ...next, isLoading: false });
  };

  return {
    getSnapshot: view.getSnapshot,
    subscribe: view.subscribe,
    stop,
    search(text, options, debounceMs) {
      stop();
      if (text.trim() === "") return view.set(NO_SEARCH);
      view.set({ ...view.getSnapshot(), isLoading: true });
      timer = setTimeout(() => void ask(text, options), debounceMs);
    },
  };
}

function inTurn<T>(client: SPARQLWebSocketClient, search: () => Promise<T>): Promise<T> {
  const turn = (turns.get(client) ?? Promise.resolve()).then(search);
  turns.set(
    client,
    turn.catch(() => undefined),
  );
  return turn;
}
