import type { OutboxEntry, OutboxStorage } from "./outbox.js";

const STORE = "messages";

/**
 * Keeps the outbox in IndexedDB, so that what waits survives a reload of the page:
 * `new SPARQLWebSocketClient(url, { userId, outboxStorage: indexedDbOutbox() })`. The server tells by the user and the
 * id of a message what comes again: users need an id of their own (`userId`, or a token). Use a name for each user and
 * server of a browser.
 */
export function indexedDbOutbox(name = "sparql-live-outbox"): OutboxStorage {
  let opened: Promise<IDBDatabase> | null = null;
  const open = () => {
    opened ??= openDatabase(name, () => {
      opened = null;
    }).catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  const within = async <T>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const transaction = (await open()).transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    return new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  };
  return {
    load: () => within<OutboxEntry[]>("readonly", (store) => store.getAll()),
    put: (entry) => within("readwrite", (store) => store.put(entry)).then(() => undefined),
    delete: (messageId) => within("readwrite", (store) => store.delete(messageId)).then(() => undefined),
  };
}

/** `onGone`: the database was taken away, and may be opened again. */
function openDatabase(name: string, onGone: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "messageId" });
    request.onsuccess = () => {
      // Another page wants to delete or to change it.
      request.result.onversionchange = () => {
        request.result.close();
        onGone();
      };
      request.result.onclose = onGone;
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}
