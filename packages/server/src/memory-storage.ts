import { ProtocolFailure } from "@sparql-live/protocol";
import { createMemoryBroker } from "./brokers/memory/broker.js";
import type { Storage, StorageOptions } from "./storage.js";
import { createMemoryStore } from "./stores/memory/store.js";

/** Everything in this process, and gone with it. */
export function createMemoryStorage(options: StorageOptions = {}): Storage {
  const broker = createMemoryBroker(options);
  const store = createMemoryStore(options);
  return {
    broker,
    store,
    async backUp() {
      throw new ProtocolFailure("feature_unavailable", "What is in memory alone is not backed up.");
    },
    close: async () => {
      await broker[Symbol.asyncDispose]();
    },
  };
}
