import { SERVER_LIMITS } from "../limits.js";
import type { Piece, Transport } from "./transport.js";

export interface OutboxOptions {
  readonly transport: Pick<Transport, "write">;
  /** Whether messages are binary frames. */
  readonly binary: boolean;
  /** Bytes that may wait. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Called once, when more waits than may. Nothing is sent any more. */
  readonly onOverflow: () => void;
}

/**
 * What waits for one connection, in three lanes: control first, then messages in their order, then ephemeral
 * ones, of which only the latest of each key is sent.
 */
export interface Outbox {
  sendControl(message: Uint8Array): void;
  /** With `supersedes` a waiting ephemeral message of that key is dropped: it would arrive after this one. */
  send(message: Uint8Array, supersedes?: string): void;
  /** Encoded when its turn comes; a later one of the same key takes its place. */
  sendEphemeral(key: string, encode: () => Uint8Array): void;
  /** Bytes that wait or are being written; ephemeral ones count once they are encoded. */
  readonly queuedBytes: number;
  /** Settles when at most `maxQueuedBytes` wait, or when nothing will be sent any more. */
  drained(maxQueuedBytes: number): Promise<void>;
  /** The bytes of writes that were handed over and not taken yet, with the time since the last one was taken. */
  isWriting(): boolean;
  readonly completedWrites: number;
  /** Drops what waits; nothing is sent any more. */
  close(): void;
}

interface Waiter {
  readonly maxQueuedBytes: number;
  readonly resolve: () => void;
}

/** One write per tick and at most one under way; each of at most 64 KiB, so that progress can be seen. */
export function createOutbox({
  transport,
  binary,
  maxBytes = SERVER_LIMITS.maxQueuedBytes,
  onOverflow,
}: OutboxOptions): Outbox {
  const control: Uint8Array[] = [];
  const ordered: Uint8Array[] = [];
  const ephemeral = new Map<string, () => Uint8Array>();
  let waiters: Waiter[] = [];
  let queuedBytes = 0;
  /** Bytes of a message above the bound that was let into the empty queue; they do not count against the bound. */
  let oversizeBytes = 0;
  /** The message of which a part is written. */
  let partial: { readonly message: Uint8Array; offset: number } | null = null;
  let phase: "idle" | "scheduled" | "writing" | "closed" = "idle";
  let completedWrites = 0;

  const schedule = () => {
    if (phase !== "idle") return;
    phase = "scheduled";
    // After this turn's callbacks and before the next poll: a lone message is not delayed, a burst is one write.
    setImmediate(flush);
  };

  const enqueue = (lane: Uint8Array[], message: Uint8Array) => {
    if (phase === "closed") return;
    const bytes = message.byteLength;
    if (bytes > maxBytes && queuedBytes === 0) oversizeBytes = bytes;
    queuedBytes += bytes;
    if (queuedBytes - oversizeBytes > maxBytes) {
      close();
      onOverflow();
      return;
    }
    lane.push(message);
    schedule();
  };

  const nextMessage = (): Uint8Array | undefined => {
    const message = control.shift() ?? ordered.shift();
    if (message !== undefined) return message;
    for (const [key, encode] of ephemeral) {
      ephemeral.delete(key);
      const encoded = encode();
      queuedBytes += encoded.byteLength;
      return encoded;
    }
    return undefined;
  };

  const nextPieces = (): Piece[] => {
    const pieces: Piece[] = [];
    let room = SERVER_LIMITS.maxWriteBytes;
    while (room > 0) {
      if (partial === null) {
        const message = nextMessage();
        if (message === undefined) break;
        partial = { message, offset: 0 };
      }
      const { message, offset } = partial;
      const data = message.subarray(offset, offset + room);
      const last = offset + data.byteLength === message.byteLength;
      pieces.push({ data, binary, first: offset === 0, last });
      room -= data.byteLength;
      if (last) partial = null;
      else partial.offset += data.byteLength;
    }
    return pieces;
  };

  const flush = () => {
    if (phase !== "scheduled") return;
    const pieces = nextPieces();
    if (pieces.length === 0) {
      phase = "idle";
      return;
    }
    phase = "writing";
    let bytes = 0;
    for (const { data } of pieces) bytes += data.byteLength;
    transport.write(pieces, () => {
      if (phase === "closed") return;
      completedWrites++;
      queuedBytes -= bytes;
      if (queuedBytes <= maxBytes) oversizeBytes = 0;
      phase = "idle";
      wake();
      if (partial !== null || control.length + ordered.length + ephemeral.size > 0) schedule();
    });
  };

  const wake = () => {
    if (waiters.length === 0) return;
    const still: Waiter[] = [];
    for (const waiter of waiters) {
      if (phase === "closed" || queuedBytes <= waiter.maxQueuedBytes) waiter.resolve();
      else still.push(waiter);
    }
    waiters = still;
  };

  const close = () => {
    if (phase === "closed") return;
    phase = "closed";
    control.length = 0;
    ordered.length = 0;
    ephemeral.clear();
    partial = null;
    wake();
  };

  return {
    sendControl: (message) => enqueue(control, message),
    send(message, supersedes) {
      if (supersedes !== undefined) ephemeral.delete(supersedes);
      enqueue(ordered, message);
    },
    sendEphemeral(key, encode) {
      if (phase === "closed") return;
      ephemeral.set(key, encode);
      schedule();
    },
    get queuedBytes() {
      return queuedBytes;
    },
    drained(maxQueuedBytes) {
      if (phase === "closed" || queuedBytes <= maxQueuedBytes) return Promise.resolve();
      return new Promise((resolve) => waiters.push({ maxQueuedBytes, resolve }));
    },
    isWriting: () => phase === "writing",
    get completedWrites() {
      return completedWrites;
    },
    close,
  };
}
