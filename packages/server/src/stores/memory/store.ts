import type { StorageOptions } from "../../storage.js";
import { STORAGE_BOUNDS } from "../../storage-bounds.js";
import type { Store } from "../../store.js";
import { createMemoryAnalytics } from "./analytics.js";
import { createMemoryEndpoints } from "./endpoints.js";
import { createMemoryHistory } from "./history.js";
import { createMemoryRevocations } from "./revocations.js";
import { createMemoryRooms } from "./rooms.js";

/** Everything in this process, and gone with it. */
export function createMemoryStore({ bounds = {}, nowMs = Date.now }: StorageOptions = {}): Store {
  return {
    rooms: createMemoryRooms(),
    history: createMemoryHistory({ ...STORAGE_BOUNDS, ...bounds }, nowMs),
    endpoints: createMemoryEndpoints(),
    async scrub() {},
    revocations: createMemoryRevocations(),
    analytics: createMemoryAnalytics(),
    async [Symbol.asyncDispose]() {},
  };
}
