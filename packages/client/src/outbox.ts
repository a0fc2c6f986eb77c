import { abortOf, isPassing, SparqlLiveError } from "./errors.js";
import { isId, newId } from "./ids.js";
import { CLIENT_LIMITS } from "./limits.js";
import { createStore, type ReadableStore } from "./store.js";
import { type WaitOptions, withinTime, withResolvers } from "./waiting.js";

/** A place in the log of a room. */
export interface Place {
  readonly epoch: string;
  readonly seq: number;
}

/** What waits to be written into a room. A plain value: storages may clone it. */
export interface OutboxEntry {
  /** The server knows by it what comes again. */
  readonly messageId: string;
  readonly roomId: string;
  readonly kind: "message" | "document";
  /** The message (any JSON but `null`), or an update of Yjs in base64. */
  readonly body: unknown;
  /** Grows with each entry, across reloads too. */
  readonly order: number;
}

/** Keeps entries beyond the life of a page or process. Errors of it are told by the event `fault`. */
export interface OutboxStorage {
  /**
   * What is kept for this client to send, in any order. `onLater`: what others leave to it afterwards. `onError`: what
   * of it could not be had; rejects where that is all.
   */
  load(
    onLater?: (entries: readonly OutboxEntry[]) => void,
    onError?: (error: unknown) => void,
  ): Promise<readonly OutboxEntry[]>;
  put(entry: OutboxEntry): Promise<void>;
  delete(messageId: string): Promise<void>;
}

export type Delivery = { readonly messageId: string; readonly roomId: string } & (
  | { readonly state: "queued" }
  /** Under way: whether it arrived is not known. */
  | { readonly state: "sent" }
  | { readonly state: "acknowledged"; readonly place: Place }
  | { readonly state: "refused"; readonly error: SparqlLiveError }
);

export interface Acknowledgement {
  readonly messageId: string;
  readonly place: Place;
}

export interface AddOptions extends WaitOptions {
  /** Of the application's own making; default: a random one. One that waits already is not added again. */
  readonly messageId?: string | undefined;
}

/**
 * Messages on their way into rooms. One of a room is under way at a time, so that one that has to be sent again keeps
 * its place before those behind it.
 */
export interface Outbox {
  /** What waits or is under way, oldest first. */
  readonly deliveries: ReadableStore<readonly Delivery[]>;
  /** Rejects with what refused it; with `outbox_full`; with `aborted` or `timeout`, which take back what was not sent. */
  add(entry: Pick<OutboxEntry, "roomId" | "kind" | "body">, options?: AddOptions): Promise<Acknowledgement>;
  /** Adds what a storage has kept. */
  restore(entries: readonly OutboxEntry[]): void;
  /** Sends the next of a room, or of all rooms, where nothing is under way. */
  flush(roomId?: string): void;
  /** The entry, where it was one that waited. */
  acknowledged(messageId: string, place: Place): OutboxEntry | undefined;
  /** `true` where it was one of ours. */
  refused(messageId: string, error: SparqlLiveError): boolean;
  /** The connection is lost: what was under way has to be sent again. */
  lost(): void;
  /** Refuses everything that waits for a room. */
  refuseRoom(roomId: string, error: SparqlLiveError): void;
  /** Rejects everything. A storage keeps it. */
  rejectAll(error: SparqlLiveError): void;
}

export interface OutboxOptions {
  readonly storage: OutboxStorage | undefined;
  readonly isReady: (roomId: string) => boolean;
  /** Sends it, where it is still wanted by then. `false`: there is no connection. Throws or rejects where it can never be sent. */
  readonly transmit: (entry: OutboxEntry, isWanted: () => boolean) => boolean | Promise<boolean>;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onStorageError: (error: unknown) => void;
}

interface Waiting {
  readonly entry: OutboxEntry;
  readonly bytes: number;
  state: "queued" | "sent";
  retryTimer?: ReturnType<typeof setTimeout>;
  readonly settled: Promise<Acknowledgement>;
  readonly resolve: (acknowledgement: Acknowledgement) => void;
  readonly reject: (error: SparqlLiveError) => void;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { storage, onStorageError } = options;
  const deliveries = createStore<readonly Delivery[]>([]);
  const waiting = new Map<string, Waiting>();
  /** The message of each room that is under way. */
  const underWay = new Map<string, string>();
  let bytes = 0;
  let lastOrder = 0;

  const tell = (delivery: Delivery) => {
    deliveries.set(
      [...waiting.values()].map(({ entry: { messageId, roomId }, state }) => ({ messageId, roomId, state })),
    );
    options.onDelivery(delivery);
  };
  const setState = (item: Waiting, state: Waiting["state"]) => {
    item.state = state;
    const { messageId, roomId } = item.entry;
    tell({ messageId, roomId, state });
  };
  const remove = ({ entry, bytes: freed, retryTimer }: Waiting) => {
    clearTimeout(retryTimer);
    waiting.delete(entry.messageId);
    bytes -= freed;
    if (underWay.get(entry.roomId) === entry.messageId) underWay.delete(entry.roomId);
  };
  const forget = (item: Waiting) => {
    remove(item);
    storage?.delete(item.entry.messageId).catch(onStorageError);
  };
  const insert = (entry: OutboxEntry, size: number): Waiting => {
    const { promise: settled, resolve, reject } = withResolvers<Acknowledgement>();
    // Whoever does not wait for it sees the deliveries.
    settled.catch(() => undefined);
    const item: Waiting = { entry, bytes: size, state: "queued", settled, resolve, reject };
    waiting.set(entry.messageId, item);
    bytes += size;
    return item;
  };
  const refuse = (item: Waiting, error: SparqlLiveError) => {
    forget(item);
    const { messageId, roomId } = item.entry;
    item.reject(error);
    tell({ messageId, roomId, state: "refused", error });
    flush(roomId);
  };

  const start = (item: Waiting) => {
    const { messageId, roomId } = item.entry;
    clearTimeout(item.retryTimer);
    underWay.set(roomId, messageId);
    const failed = (error: unknown) => {
      if (waiting.get(messageId) !== item) return;
      if (error instanceof SparqlLiveError) refuse(item, error);
      else refuse(item, new SparqlLiveError("bad_request", "It cannot be sent.", { cause: error }));
    };
    // Meanwhile it may have been taken back, or the connection lost, and another try begun.
    const isWanted = () => underWay.get(roomId) === messageId && waiting.get(messageId) === item;
    const done = (isSent: boolean) => {
      if (!isWanted()) return;
      if (isSent) setState(item, "sent");
      else underWay.delete(roomId);
    };
    try {
      const sent = options.transmit(item.entry, isWanted);
      if (typeof sent === "boolean") done(sent);
      else sent.then(done, failed);
    } catch (error) {
      failed(error);
    }
  };

  const flush = (only?: string) => {
    for (const item of [...waiting.values()]) {
      const { roomId, messageId } = item.entry;
      if ((only !== undefined && only !== roomId) || underWay.has(roomId)) continue;
      if (waiting.has(messageId) && options.isReady(roomId)) start(item);
    }
  };

  return {
    deliveries,
    add({ roomId, kind, body }, { messageId = newId(), signal, timeoutMs } = {}) {
      const refusal = (code: "bad_request" | "outbox_full", text: string) =>
        Promise.reject(new SparqlLiveError(code, text, { roomId }));
      const given = abortOf(signal);
      if (given !== null) return Promise.reject(given);
      if (!isId(messageId)) {
        return refusal(
          "bad_request",
          `The id of a message has 1 to ${CLIENT_LIMITS.idCharacters} characters.`,
        );
      }
      const known = waiting.get(messageId);
      if (known !== undefined && known.entry.roomId !== roomId) {
        return refusal(
          "bad_request",
          "A message of this id waits for another room; give this one another id.",
        );
      }
      if (known !== undefined) return withinTime(known.settled, { signal, timeoutMs }, LATE);
      const size = lengthOf(body);
      if (size === null) return refusal("bad_request", "A message has to be JSON, and not null.");
      if (waiting.size >= CLIENT_LIMITS.outboxMessagesCount || bytes + size > CLIENT_LIMITS.outboxBytes) {
        return refusal(
          "outbox_full",
          "Too much waits to be sent; try again when some of it was acknowledged.",
        );
      }
      lastOrder = Math.max(lastOrder + 1, Date.now() * 1_000);
      const entry: OutboxEntry = { messageId, roomId, kind, body, order: lastOrder };
      const item = insert(entry, size);
      storage?.put(entry).catch(onStorageError);
      tell({ messageId, roomId, state: "queued" });
      flush(roomId);
      const result = withinTime(item.settled, { signal, timeoutMs }, LATE);
      result.catch((error: unknown) => {
        // What is under way cannot be taken back.
        if (waiting.get(messageId) !== item || item.state === "sent") return;
        if (error instanceof SparqlLiveError) refuse(item, error);
      });
      return result;
    },
    restore(entries) {
      const fresh = entries.filter(({ messageId }) => !waiting.has(messageId));
      for (const entry of fresh) {
        lastOrder = Math.max(lastOrder, entry.order);
        insert(entry, lengthOf(entry.body) ?? 0);
      }
      const inOrder = [...waiting].sort(([, a], [, b]) => a.entry.order - b.entry.order);
      waiting.clear();
      for (const [messageId, item] of inOrder) waiting.set(messageId, item);
      for (const { messageId, roomId } of fresh) tell({ messageId, roomId, state: "queued" });
      flush();
    },
    flush,
    acknowledged(messageId, place) {
      const item = waiting.get(messageId);
      if (item === undefined) return undefined;
      forget(item);
      const { roomId } = item.entry;
      item.resolve({ messageId, place });
      tell({ messageId, roomId, state: "acknowledged", place });
      return item.entry;
    },
    refused(messageId, error) {
      const item = waiting.get(messageId);
      if (item === undefined) return false;
      if (!isPassing(error)) {
        refuse(item, error);
        return true;
      }
      // It stays under way until it may be sent again, so that nothing overtakes it.
      setState(item, "queued");
      item.retryTimer = setTimeout(() => {
        if (underWay.get(item.entry.roomId) !== messageId || item.state === "sent") return;
        underWay.delete(item.entry.roomId);
        flush(item.entry.roomId);
      }, error.details.retryAfterMs ?? CLIENT_LIMITS.refusedRetryMs);
      return true;
    },
    lost() {
      underWay.clear();
      for (const item of waiting.values()) if (item.state === "sent") setState(item, "queued");
    },
    refuseRoom(roomId, error) {
      for (const item of [...waiting.values()]) if (item.entry.roomId === roomId) refuse(item, error);
    },
    rejectAll(error) {
      for (const item of [...waiting.values()]) {
        remove(item);
        item.reject(error);
        const { messageId, roomId } = item.entry;
        tell({ messageId, roomId, state: "refused", error });
      }
    },
  };
}

const LATE = "The message was not acknowledged in time.";

/** `null` where it cannot be a message: the protocol takes `null` for what is not there. */
function lengthOf(body: unknown): number | null {
  try {
    return body === null ? null : (JSON.stringify(body)?.length ?? null);
  } catch {
    return null;
  }
}
