import type { Codec } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Counters } from "./counters.js";
import type { Framed } from "./frames.js";
import type { Peer } from "./peer.js";
import type { SharedMessage } from "./shared-message.js";
import type { Flushable, Ticker } from "./ticker.js";

/**
 * The members of a room, and what all of them get within one turn of the event loop: encoded once per codec and put
 * together into one piece that every member who needs nothing of its own is handed as it is.
 *
 * A member that does need something of its own (it sent one of the messages, it has just come) is first handed, one
 * by one, what it has not got yet, and then goes on behind: the order within the room stays the same for everybody.
 */
export class FanOut implements Flushable {
  readonly #ticker: Ticker;
  readonly #counters: Counters;
  readonly #members = new Set<Peer>();
  #messages: SharedMessage[] = [];
  /** How many of `#messages` a member has got already, or must not get. */
  readonly #ahead = new Map<Peer, number>();
  /** Of ephemeral messages the latest of each key. */
  readonly #ephemeral = new Map<string, { readonly message: SharedMessage; readonly except: Peer }>();
  #scheduled = false;
  /** How many messages had come when the last turn ended, and when the first of them had. */
  #gatheredCount = 0;
  #gatheringSinceMs = 0;

  constructor(ticker: Ticker, counters: Counters) {
    this.#ticker = ticker;
    this.#counters = counters;
  }

  get members(): ReadonlySet<Peer> {
    return this.#members;
  }

  /** Gets what is sent from now on. */
  add(member: Peer): void {
    this.#members.add(member);
    if (this.#messages.length > 0) this.#ahead.set(member, this.#messages.length);
  }

  /** Gets what was sent until now. */
  remove(member: Peer): void {
    if (!this.#members.has(member)) return;
    this.#catchUp(member);
    this.#members.delete(member);
    this.#ahead.delete(member);
  }

  /** To all members but `except`. Returns to how many. */
  send(message: SharedMessage, except?: Peer): number {
    const skips = except !== undefined && this.#members.has(except);
    const recipientsCount = this.#members.size - (skips ? 1 : 0);
    if (recipientsCount === 0) return 0;
    if (skips) this.#catchUp(except);
    this.#messages.push(message);
    if (skips) this.#ahead.set(except, this.#messages.length);
    this.#schedule();
    return recipientsCount;
  }

  /** In its place among what the member gets of this room; `tell` sends it. Who is no member gets nothing else. */
  sendInPlace(member: Peer, tell: () => void): void {
    if (this.#members.has(member)) this.#catchUp(member);
    tell();
  }

  /** At most once, to all members but `except`; a later one of the same key takes its place. */
  sendEphemeral(key: string, message: SharedMessage, except: Peer): number {
    this.#ephemeral.set(key, { message, except });
    this.#schedule();
    return this.#members.size - 1;
  }

  /** What an ordered message makes obsolete. */
  dropEphemeral(key: string): void {
    this.#ephemeral.delete(key);
  }

  /** For the ticker. */
  flush(): void {
    const startedAtMs = performance.now();
    if (this.#awaitsMore(startedAtMs)) {
      this.#ticker.gather(this);
      return;
    }
    this.#scheduled = false;
    this.#gatheredCount = 0;
    if (this.#messages.length > 0) this.#flushOrdered();
    if (this.#ephemeral.size > 0) this.#flushEphemeral();
    this.#counters.observeFanOut(performance.now() - startedAtMs);
  }

  /**
   * Writing to many takes milliseconds in which nothing is read. What arrives together is read one socket after the
   * other, so a turn that brought something is worth another one: a lone message waits for one empty turn (some
   * microseconds), a burst until it is over or a small part of the time has passed that writing it will take.
   */
  #awaitsMore(nowMs: number): boolean {
    const count = this.#messages.length;
    const membersCount = this.#members.size;
    if (membersCount < SERVER_LIMITS.gatherFromMembersCount || count === this.#gatheredCount) return false;
    if (this.#gatheredCount === 0) this.#gatheringSinceMs = nowMs;
    this.#gatheredCount = count;
    return nowMs - this.#gatheringSinceMs < membersCount * SERVER_LIMITS.gatherMsPerMember;
  }

  #flushOrdered(): void {
    const messages = this.#messages;
    this.#messages = [];
    const count = messages.length;
    this.#counters.broadcasts += count;
    const pieces = createPieces(messages);
    const isExact = this.#ahead.size === 0;
    for (const member of this.#members) {
      const from = isExact ? 0 : (this.#ahead.get(member) ?? 0);
      if (from < count) member.sendFramed(pieces.of(member.codec, from), count - from);
    }
    this.#ahead.clear();
  }

  #flushEphemeral(): void {
    for (const [key, { message, except }] of this.#ephemeral) {
      const encode = () => message;
      for (const member of this.#members) if (member !== except) member.sendEphemeral(key, encode);
    }
    this.#ephemeral.clear();
  }

  #catchUp(member: Peer): void {
    const { length } = this.#messages;
    if (length === 0 || !this.#members.has(member)) return;
    for (let index = this.#ahead.get(member) ?? 0; index < length; index++) {
      const message = this.#messages[index];
      if (message !== undefined) member.sendShared(message);
    }
    this.#ahead.set(member, length);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#ticker.gather(this);
  }
}

/** The messages from some place on in one piece, made once for each codec and place. */
function createPieces(messages: readonly SharedMessage[]) {
  const made = new Map<Codec, Map<number, Framed>>();
  return {
    of(codec: Codec, from: number): Framed {
      let pieces = made.get(codec);
      if (pieces === undefined) {
        pieces = new Map();
        made.set(codec, pieces);
      }
      let piece = pieces.get(from);
      if (piece === undefined) {
        piece = join(messages, codec, from);
        pieces.set(from, piece);
      }
      return piece;
    },
  };
}

/** In chunks of about the write size: whole messages, so that others may be written between any two. */
function join(messages: readonly SharedMessage[], codec: Codec, from: number): Framed {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return only.framed(codec);
  const chunks: Uint8Array[] = [];
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let byteLength = 0;
  const put = () => {
    if (gathered.length > 0) chunks.push(Buffer.concat(gathered, gatheredBytes));
    gathered = [];
    gatheredBytes = 0;
  };
  for (let index = from; index < messages.length; index++) {
    for (const chunk of messages[index]?.framed(codec).chunks ?? []) {
      if (gatheredBytes + chunk.byteLength > SERVER_LIMITS.maxWriteBytes) put();
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      byteLength += chunk.byteLength;
    }
  }
  put();
  return { chunks, byteLength };
}
