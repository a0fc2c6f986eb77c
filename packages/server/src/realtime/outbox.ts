import { SERVER_LIMITS } from "../limits.js";
import type { Framed } from "./frames.js";
import type { Ticker } from "./ticker.js";
import type { Transport } from "./transport.js";

export interface OutboxOptions {
  readonly transport: Pick<Transport, "write">;
  readonly ticker: Ticker;
  /** Bytes that may wait. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Called once, when more waits than may. Nothing is sent any more. */
  readonly onOverflow: () => void;
}

interface Waiter {
  readonly maxQueuedBytes: number;
  readonly resolve: () => void;
}

/**
 * What waits for one connection, in three lanes: control first, then messages in their order, then ephemeral ones,
 * of which only the latest of each key is sent. One write per tick and at most one under way; each of at most 64 KiB,
 * so that progress can be seen. Where a single chunk waits (a message, or what a room shares with all its members)
 * its bytes are written as they are.
 */
export class Outbox {
  readonly #transport: Pick<Transport, "write">;
  readonly #ticker: Ticker;
  readonly #maxBytes: number;
  readonly #onOverflow: () => void;
  #control: Framed[] = [];
  /** The first in order, and those after it: mostly there are none, and a list for each message would be made in vain. */
  #first: Framed | null = null;
  #others: Framed[] | null = null;
  /** How many of `#others` are gone: shifting a long array would move the rest each time. */
  #othersHead = 0;
  #ephemeral: Map<string, () => Framed> | null = null;
  #waiters: Waiter[] | null = null;
  #queuedBytes = 0;
  /** Bytes of a message above the bound that was let into the empty queue; they do not count against the bound. */
  #oversizeBytes = 0;
  /** The message of which the chunk `#partialNext` is the next: nothing may come between its fragments. */
  #partial: Framed | null = null;
  #partialNext = 0;
  #phase: "idle" | "scheduled" | "writing" | "closed" = "idle";
  #writingBytes = 0;
  #completedWritesCount = 0;
  readonly #done: () => void;

  constructor({ transport, ticker, maxBytes = SERVER_LIMITS.maxQueuedBytes, onOverflow }: OutboxOptions) {
    this.#transport = transport;
    this.#ticker = ticker;
    this.#maxBytes = maxBytes;
    this.#onOverflow = onOverflow;
    // Made once: a closure per write would be one for each recipient of each message.
    this.#done = () => this.#written();
  }

  sendControl(message: Framed): void {
    if (this.#admit(message)) this.#control.push(message);
  }

  /** With `supersedes` a waiting ephemeral message of that key is dropped: it would arrive after this one. */
  send(message: Framed, supersedes?: string): void {
    if (supersedes !== undefined) this.#ephemeral?.delete(supersedes);
    if (!this.#admit(message)) return;
    if (this.#first === null) this.#first = message;
    else {
      this.#others ??= [];
      this.#others.push(message);
    }
  }

  /** Encoded when its turn comes; a later one of the same key takes its place. */
  sendEphemeral(key: string, encode: () => Framed): void {
    if (this.#phase === "closed") return;
    this.#ephemeral ??= new Map();
    if (!this.#ephemeral.has(key) && this.#ephemeral.size >= SERVER_LIMITS.maxEphemeralKeysCount) return;
    this.#ephemeral.set(key, encode);
    this.#schedule();
  }

  /** Bytes that wait or are being written; ephemeral ones count once they are encoded. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isWriting(): boolean {
    return this.#phase === "writing";
  }

  get completedWritesCount(): number {
    return this.#completedWritesCount;
  }

  /** Settles when at most `maxQueuedBytes` wait, or when nothing will be sent any more. */
  drained(maxQueuedBytes: number): Promise<void> {
    if (this.#phase === "closed" || this.#queuedBytes <= maxQueuedBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters ??= [];
      this.#waiters.push({ maxQueuedBytes, resolve });
    });
  }

  /** Drops what waits; nothing is sent any more. */
  close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#control = [];
    this.#first = null;
    this.#others = null;
    this.#othersHead = 0;
    this.#ephemeral = null;
    this.#partial = null;
    this.#queuedBytes = 0;
    this.#wake();
  }

  /** For the ticker. */
  flush(): void {
    if (this.#phase !== "scheduled") return;
    const first = this.#nextChunk(Number.POSITIVE_INFINITY);
    if (first === null) {
      this.#phase = "idle";
      return;
    }
    let bytes = first.byteLength;
    let frames = first;
    let second = this.#waits() ? this.#nextChunk(SERVER_LIMITS.maxWriteBytes - bytes) : null;
    if (second !== null) {
      const chunks = [first];
      for (; second !== null; second = this.#nextChunk(SERVER_LIMITS.maxWriteBytes - bytes)) {
        chunks.push(second);
        bytes += second.byteLength;
      }
      frames = Buffer.concat(chunks, bytes);
    }
    this.#phase = "writing";
    this.#writingBytes = bytes;
    if (this.#transport.write(frames, this.#done)) this.#written();
  }

  #admit(message: Framed): boolean {
    if (this.#phase === "closed") return false;
    const bytes = message.byteLength;
    if (bytes > this.#maxBytes && this.#queuedBytes === 0) this.#oversizeBytes = bytes;
    this.#queuedBytes += bytes;
    if (this.#queuedBytes - this.#oversizeBytes > this.#maxBytes) {
      this.close();
      this.#onOverflow();
      return false;
    }
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#phase !== "idle") return;
    this.#phase = "scheduled";
    this.#ticker.write(this);
  }

  #waits(): boolean {
    return (
      this.#partial !== null || this.#first !== null || this.#control.length > 0 || this.#ephemeral !== null
    );
  }

  /** The next chunk in the order of the lanes, where it has no more than `maxBytes`. */
  #nextChunk(maxBytes: number): Uint8Array | null {
    if (this.#partial === null) {
      this.#partial = this.#nextMessage();
      if (this.#partial === null) return null;
      this.#partialNext = 0;
    }
    const { chunks } = this.#partial;
    const chunk = chunks[this.#partialNext];
    if (chunk === undefined || chunk.byteLength > maxBytes) return null;
    this.#partialNext++;
    if (this.#partialNext === chunks.length) this.#partial = null;
    return chunk;
  }

  #nextMessage(): Framed | null {
    if (this.#control.length > 0) return this.#control.shift() ?? null;
    return this.#shiftOrdered() ?? this.#takeEphemeral();
  }

  #shiftOrdered(): Framed | null {
    const message = this.#first;
    this.#first = this.#others?.[this.#othersHead++] ?? null;
    if (this.#first === null && this.#others !== null) {
      this.#others = null;
      this.#othersHead = 0;
    }
    return message;
  }

  #takeEphemeral(): Framed | null {
    if (this.#ephemeral === null) return null;
    for (const [key, encode] of this.#ephemeral) {
      this.#ephemeral.delete(key);
      const message = encode();
      this.#queuedBytes += message.byteLength;
      return message;
    }
    this.#ephemeral = null;
    return null;
  }

  #written(): void {
    if (this.#phase === "closed") return;
    this.#completedWritesCount++;
    this.#queuedBytes -= this.#writingBytes;
    if (this.#queuedBytes <= this.#maxBytes) this.#oversizeBytes = 0;
    this.#phase = "idle";
    this.#wake();
    if (this.#waits()) this.#schedule();
  }

  #wake(): void {
    if (this.#waiters === null) return;
    const still: Waiter[] = [];
    for (const waiter of this.#waiters) {
      if (this.#phase === "closed" || this.#queuedBytes <= waiter.maxQueuedBytes) waiter.resolve();
      else still.push(waiter);
    }
    this.#waiters = still.length === 0 ? null : still;
  }
}
