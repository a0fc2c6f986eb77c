import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { SearchOptions } from "../client.js";
import { useSharedClient } from "./provider.js";
import { createSearchStore, NO_SEARCH, type SearchView } from "./search-store.js";

export interface OntologySearchOptions extends Pick<SearchOptions, "ontology" | "endpoint_id" | "limit"> {
  /** Milliseconds for which the text must stay as it is before it is asked for. Default 200. */
  readonly debounceMs?: number;
}

const initial = () => NO_SEARCH;

/** Terms whose names fit the text. What is shown stays until the next answer; answers to former texts are dropped. */
export function useOntologySearch(
  text: string,
  { ontology, endpoint_id: endpointId, limit, debounceMs = 200 }: OntologySearchOptions = {},
): SearchView {
  const shared = useSharedClient();
  const store = useMemo(() => createSearchStore(() => shared.client), [shared]);
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, initial);
  useEffect(() => shared.retain(), [shared]);
  useEffect(() => {
    const options = {
      ...(ontology === undefined ? {} : { ontology }),
      ...(endpointId === undefined ? {} : { endpoint_id: endpointId }),
      ...(limit === undefined ? {} : { limit }),
    };
    store.search(text, options, debounceMs);
    return store.stop;
  }, [store, text, ontology, endpointId, limit, debounceMs]);
  return view;
}
