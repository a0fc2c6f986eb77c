import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useSharedClient } from "./provider.js";
import { createQueryStore, NO_QUERY, type QueryStore, type QueryView } from "./query-store.js";

export interface SPARQLQueryHandle extends QueryView {
  /**
   * Asks a question, or `{ sparql }`. A further one takes the place of the one before. Settles with the result, or with
   * `null` where it failed (see `error`), was cancelled or lost its place; it never rejects.
   */
  readonly executeQuery: QueryStore["execute"];
  readonly cancel: () => void;
}

const initial = () => NO_QUERY;

/** One query at a time: its steps, its rows as they come, its result. It is cancelled with the component. */
export function useSPARQLQuery(): SPARQLQueryHandle {
  const shared = useSharedClient();
  const store = useMemo(() => createQueryStore(() => shared.client), [shared]);
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, initial);
  useEffect(() => shared.retain(), [shared]);
  useEffect(() => store.retain(), [store]);
  return { ...view, executeQuery: store.execute, cancel: store.cancel };
}
