import { useCallback, useSyncExternalStore } from "react";
import type { ReadableStore } from "../store.js";
import { useSharedClient } from "./provider.js";
import type { SharedClient } from "./shared-client.js";

/**
 * Follows a store of the client. `storeOf` must be the same function in each rendering, or memoised. `initial` is what
 * a server renders, and a page until it is hydrated.
 */
export function useReadable<T>(storeOf: (shared: SharedClient) => ReadableStore<T>, initial: T): T {
  const shared = useSharedClient();
  const subscribe = useCallback(
    (listener: () => void) => {
      const release = shared.retain();
      const stop = storeOf(shared).subscribe(listener);
      return () => {
        stop();
        release();
      };
    },
    [shared, storeOf],
  );
  const getSnapshot = useCallback(() => storeOf(shared).getSnapshot(), [shared, storeOf]);
  return useSyncExternalStore(subscribe, getSnapshot, () => initial);
}
