import { setMaxListeners } from "node:events";
import type { Codec, FailureCode, ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { ParsedMessage } from "@sparql-live/protocol/validate";
import type { Identity } from "../auth/authenticator.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Connection, Life, SendOptions, Tier, User } from "./connection.js";
import type { Core } from "./core.js";
import type { Variants } from "./experiments.js";
import { type Framed, frameMessage } from "./frames.js";
import { Link, type LinkOwner, type Probation } from "./link.js";
import { type Outgoing, type OutgoingPayload, typeOf } from "./outgoing.js";
import { tierOf } from "./policy.js";
import { RateBuckets, type RateClass } from "./rate-limit.js";
import type { Session } from "./session.js";
import type { SharedMessage } from "./shared-message.js";
import type { Transport } from "./transport.js";

const NO_LISTENERS: readonly ((life: Life) => void)[] = [];

/** A connection that outlives its sockets. See `Connection`. */
export class Peer implements Connection, LinkOwner {
  readonly id: string;
  readonly connectedAtMs = Date.now();
  /** Which of its resume tokens is good: each use makes another. */
  tokenGeneration = 0;
  /** The last message to everybody that came before it. */
  broadcastSeq = 0;
  /** Messages received. */
  messageCount = 0;
  /** Whether it acknowledges what is queued for its user. */
  acknowledges: boolean;
  /** Set while it is not known who it is. */
  probation: Probation | null = null;
  /** The rooms it is in, or was in when it was lost. */
  readonly roomIds = new Set<string>();
  readonly #core: Core<Peer>;
  #user: User;
  #identity: Identity | null = null;
  #link: Link | null = null;
  #codec: Codec;
  #remoteAddress: string;
  #lastCode = 1006;
  #life: Life = "live";
  #listeners = NO_LISTENERS;
  #gone: AbortController | null = null;
  #buckets: RateBuckets | null = null;
  #sentCount = 0;
  #assigned: { readonly userId: string; readonly variants: Variants } | null = null;

  constructor(
    core: Core<Peer>,
    {
      id,
      user,
      transport,
      codec,
      acknowledges,
    }: {
      readonly id: string;
      readonly user: User;
      readonly transport: Transport;
      readonly codec: Codec;
      readonly acknowledges: boolean;
    },
  ) {
    this.#core = core;
    this.id = id;
    this.#user = user;
    this.#codec = codec;
    this.#remoteAddress = transport.remoteAddress;
    this.acknowledges = acknowledges;
    this.#link = new Link(core, transport, codec, this);
  }

  get user(): User {
    return this.#user;
  }

  /** What its token proved; `null` where nobody had to prove anything. */
  get identity(): Identity | null {
    return this.#identity;
  }

  get tier(): Tier {
    return tierOf(this.#user, this.isIdentified);
  }

  get variants(): Variants {
    const { id } = this.#user;
    if (this.#assigned?.userId !== id) this.#assigned = { userId: id, variants: this.#core.variantsOf(id) };
    return this.#assigned.variants;
  }

  get codec(): Codec {
    return this.#codec;
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get life(): Life {
    return this.#life;
  }

  get link(): Link | null {
    return this.#link;
  }

  get session(): Session {
    return this.#link?.session ?? { state: "disconnected", code: this.#lastCode };
  }

  get signal(): AbortSignal {
    if (this.#gone === null) {
      this.#gone = new AbortController();
      // Each query in progress listens; how many may be is bounded elsewhere.
      setMaxListeners(0, this.#gone.signal);
      if (this.#life === "gone") this.#gone.abort();
    }
    return this.#gone.signal;
  }

  onLife(listener: (life: Life) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Says hello and begins to read. */
  greet(identified: boolean): void {
    const link = this.#link;
    if (link === null) return;
    this.send("connection_ack", this.#core.greeting(this));
    link.step({ kind: "acknowledged" });
    if (identified) link.step({ kind: "identified" });
    link.listen();
  }

  /** It has proven who it is: for the first time, or anew as the same user. */
  identify(identity: Identity): void {
    this.#identity = identity;
    this.#user = { id: identity.userId, name: identity.userName, role: identity.role };
    this.probation = null;
    this.#link?.step({ kind: "identified" });
  }

  /** Takes over the socket of another peer, which is the same one come back. Its own, if it still has one, is given back. */
  adopt(other: Peer): Link | null {
    const before = this.#link;
    if (before !== null) before.owner = null;
    this.#link = other.#link;
    other.#link = null;
    if (this.#link !== null) {
      this.#link.owner = this;
      this.#codec = this.#link.codec;
      this.#remoteAddress = this.#link.remoteAddress;
      if (this.isIdentified) this.#link.step({ kind: "identified" });
    }
    this.#changeLife("live");
    return before;
  }

  /** A guest is known by its connection alone. */
  get isIdentified(): boolean {
    return this.#user.id !== guestIdOf(this.id);
  }

  /** The socket is gone. */
  lose(code: number): void {
    this.#link = null;
    this.#lastCode = code;
    this.#changeLife("lost");
  }

  /** Nobody will come back. */
  end(): void {
    this.#link = null;
    this.#changeLife("gone");
    this.#listeners = NO_LISTENERS;
    this.#gone?.abort();
  }

  receive(message: ParsedMessage): void {
    if (this.probation?.allows(message.type) === false) return;
    this.#core.dispatch(message, this);
  }

  onLinkLost(code: number, isFinal: boolean): void {
    this.#core.onLost(this, code, isFinal);
  }

  takeToken(rateClass: RateClass): number {
    const nowMs = performance.now();
    const limits = this.#core.rateLimits[this.tier];
    this.#buckets ??= new RateBuckets(limits, nowMs);
    return this.#buckets.take(rateClass, limits, nowMs);
  }

  send<T extends Outgoing>(
    what: T,
    payload: OutgoingPayload<T>,
    { correlationId, supersedes }: SendOptions = {},
  ): void {
    const link = this.#openLink();
    if (link === null) return;
    this.#core.counters.messagesSent++;
    link.outbox.send(this.#frame(typeOf(what), payload, correlationId), supersedes);
  }

  sendShared(message: SharedMessage, { supersedes }: Pick<SendOptions, "supersedes"> = {}): void {
    const link = this.#openLink();
    if (link === null) return;
    this.#core.counters.messagesSent++;
    this.#core.counters.deliveries++;
    link.outbox.send(message.framed(link.codec), supersedes);
  }

  /** So many messages in one piece, as a room shares them with its members. */
  sendFramed(framed: Framed, messagesCount: number): void {
    const link = this.#openLink();
    if (link === null) return;
    this.#core.counters.messagesSent += messagesCount;
    this.#core.counters.deliveries += messagesCount;
    link.outbox.send(framed);
  }

  sendControl<T extends ServerMessageType>(
    type: T,
    payload: ServerPayloads[T],
    { correlationId }: SendOptions = {},
  ): void {
    const link = this.#openLink();
    if (link === null) return;
    this.#core.counters.messagesSent++;
    link.outbox.sendControl(this.#frame(type, payload, correlationId));
  }

  sendEphemeral(key: string, message: () => SharedMessage): void {
    const link = this.#openLink();
    if (link === null) return;
    link.outbox.sendEphemeral(key, () => {
      this.#core.counters.messagesSent++;
      this.#core.counters.deliveries++;
      return message().framed(link.codec);
    });
  }

  async emptied(): Promise<void> {
    // Somebody else who waited for the same moment may have come first.
    for (let link = this.#openLink(); link !== null && link.outbox.queuedBytes > 0; link = this.#openLink()) {
      await link.outbox.drained(0);
    }
  }

  drained(): Promise<void> {
    return this.#openLink()?.outbox.drained(SERVER_LIMITS.streamLowWaterBytes) ?? Promise.resolve();
  }

  close(failure: FailureCode, code: number, retryAfterMs?: number): void {
    this.#link?.close(failure, code, retryAfterMs);
  }

  /** Closes at once: nothing that waits is sent any more. `isFinal`: the session ends. */
  cut(failure: FailureCode, code: number, isFinal: boolean): void {
    this.#link?.cut(failure, code, isFinal);
  }

  #openLink(): Link | null {
    const link = this.#link;
    return link?.isOpen === true ? link : null;
  }

  #frame(type: string, payload: unknown, correlationId: string | undefined): Framed {
    const id = `${this.id}-${++this.#sentCount}`;
    const timestamp = Date.now() / 1_000;
    return frameMessage(
      this.#codec,
      correlationId === undefined
        ? { type, message_id: id, timestamp, payload }
        : { type, message_id: id, correlation_id: correlationId, timestamp, payload },
    );
  }

  #changeLife(life: Life): void {
    if (this.#life === life || this.#life === "gone") return;
    this.#life = life;
    for (const listener of this.#listeners) listener(life);
  }
}

/** The user id of a connection that named none. */
export function guestIdOf(connectionId: string): string {
  return `guest-${connectionId}`;
}
