import { CLIENT_LIMITS } from "./limits.js";
import type { OutboxEntry, OutboxStorage } from "./outbox.js";
import { holdPageLock, PAGE_ID, whenPageEnded } from "./page-lock.js";

const STORE = "messages";

/** An entry, and the page that sends it. */
interface Kept {
  readonly messageId: string;
  readonly pageId: string;
  readonly entry: OutboxEntry;
}

/**
 * Keeps the outbox in IndexedDB, so that what waits survives a reload of the page:
 * `new SPARQLWebSocketClient(url, { userId, outboxStorage: indexedDbOutbox() })`. The server tells by the user and the
 * id of a message what comes again: users need an id of their own (`userId`, or a token). Use a name for each user and
 * server of a browser. What one page keeps another one leaves alone as long as that page is there, and takes over
 * when it has ended (https://w3c.github.io/web-locks/).
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
    await holdPageLock();
    const transaction = (await open()).transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    return new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  };
  const readAll = () => within<Kept[]>("readonly", (store) => store.getAll());

  const takeOver = async (pageId: string): Promise<readonly OutboxEntry[]> => {
    const ofThatPage = (kept: readonly Kept[]) => kept.filter((one) => one.pageId === pageId);
    const kept = await within<Kept[]>("readwrite", (store) => {
      const all = store.getAll();
      all.addEventListener("success", () => {
        for (const one of ofThatPage(all.result)) store.put({ ...one, pageId: PAGE_ID } satisfies Kept);
      });
      return all;
    });
    return ofThatPage(kept).map(({ entry }) => entry);
  };

  const awaitedPageIds = new Set<string>();
  let onLeft: (entries: readonly OutboxEntry[]) => void = () => undefined;
  let onFailed: (error: unknown) => void = () => undefined;
  const takeOverInTime = async (pageId: string) => {
    if (pageId === PAGE_ID || awaitedPageIds.has(pageId)) return;
    awaitedPageIds.add(pageId);
    try {
      const left = await whenPageEnded(pageId, () => takeOver(pageId));
      onLeft(left);
    } catch (error) {
      onFailed(error);
    } finally {
      awaitedPageIds.delete(pageId);
    }
  };

  /** Pages say here that they keep something, to those that were there before them. */
  let channel: BroadcastChannel | null = null;
  const listen = () => {
    channel ??= new BroadcastChannel(name);
    channel.onmessage = ({ data }) => void takeOverInTime(String(data));
  };
  /** Taken back or acknowledged while what is kept is being read. */
  let deletedIds: Set<string> | null = null;

  return {
    async load(tellOfLater = () => undefined, tellOfError = () => undefined) {
      listen();
      onFailed = tellOfError;
      const gone = new Set<string>();
      deletedIds = gone;
      const kept = await readAll();
      const found = kept.filter(({ pageId }) => pageId === PAGE_ID).map(({ entry }) => entry);
      onLeft = (entries) => void found.push(...entries);
      const pageIds = new Set(kept.map(({ pageId }) => pageId));
      const takingOver = Promise.all([...pageIds].map(takeOverInTime));
      // A page that was left for this one may not have ended yet.
      await Promise.race([takingOver, afterMs(CLIENT_LIMITS.formerPageMs)]);
      onLeft = tellOfLater;
      deletedIds = null;
      return found.filter(({ messageId }) => !gone.has(messageId));
    },
    async put(entry) {
      const kept: Kept = { messageId: entry.messageId, pageId: PAGE_ID, entry };
      await within("readwrite", (store) => store.put(kept));
      channel?.postMessage(PAGE_ID);
    },
    async delete(messageId) {
      deletedIds?.add(messageId);
      await within("readwrite", (store) => store.delete(messageId));
    },
  };
}

const afterMs = (delayMs: number) => new Promise<void>((resolve) => void setTimeout(resolve, delayMs));

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
