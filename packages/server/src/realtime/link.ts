import {
  type Codec,
  closeReason,
  FAILURES,
  type FailureCode,
  ProtocolFailure,
  WIRE_LIMITS,
} from "@sparql-live/protocol";
import type { MessageParser, ParsedMessage } from "@sparql-live/protocol/validate";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { Connection } from "./connection.js";
import { type Counters, increment } from "./counters.js";
import { Outbox } from "./outbox.js";
import { type RateClass, rateClassOf } from "./rate-limit.js";
import { correlationOfValue, queryIdOf, refusalOf } from "./refusals.js";
import { INITIAL_SESSION, type Session, type SessionEvent, takesMessages, transition } from "./session.js";
import type { Ticker } from "./ticker.js";
import type { Transport, TransportEvents } from "./transport.js";
import type { Visitor, Wheel, WheelEntry } from "./wheel.js";

/** What the sockets of a server share. */
export interface LinkContext {
  readonly ticker: Ticker;
  readonly wheel: Wheel;
  readonly parser: Pick<MessageParser, "parse">;
  readonly counters: Counters;
  readonly log: Logger;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

/** What is taken of a peer of whom it is not known who it is. Where one says no, it has closed the connection. */
export interface Probation {
  takes(frame: string | Uint8Array): boolean;
  allows(type: string): boolean;
}

/** Whose socket it is. */
export interface LinkOwner extends Pick<Connection, "id" | "send" | "sendControl"> {
  messageCount: number;
  readonly probation: Probation | null;
  /** 0 where a message of the class may pass, else the milliseconds until one may. */
  takeToken(rateClass: RateClass): number;
  receive(message: ParsedMessage): void;
  /** The socket is gone. `isFinal`: the peer must not come back. */
  onLinkLost(code: number, isFinal: boolean): void;
}

/**
 * One socket of a peer: reads, writes, keeps watch over its life. A peer that comes back gets another link.
 *
 * A class, because there are as many as connections: methods are shared where closures would be made for each.
 */
export class Link implements TransportEvents, Visitor {
  readonly codec: Codec;
  readonly outbox: Outbox;
  /** Whose socket it is; `null` once another socket took the session over. */
  owner: LinkOwner | null;
  readonly #context: LinkContext;
  readonly #transport: Transport;
  #session: Session = INITIAL_SESSION;
  #isFinal = false;
  /** On the clock of the wheel. */
  #aliveAtMs: number;
  #beatAtMs: number;
  #progressAtMs: number;
  #progressWritesCount = 0;
  readonly #entry: WheelEntry;

  constructor(context: LinkContext, transport: Transport, codec: Codec, owner: LinkOwner) {
    this.#context = context;
    this.#transport = transport;
    this.codec = codec;
    this.owner = owner;
    this.outbox = new Outbox({
      transport,
      ticker: context.ticker,
      onOverflow: () => this.#giveUp("slow_consumer"),
    });
    const nowMs = context.wheel.now();
    this.#aliveAtMs = nowMs;
    this.#progressAtMs = nowMs;
    this.#beatAtMs = nowMs + context.heartbeatIntervalMs;
    this.#entry = context.wheel.add(this, Math.min(context.heartbeatIntervalMs, 1_000));
  }

  get session(): Session {
    return this.#session;
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get isOpen(): boolean {
    return this.#session.state === "connecting" || takesMessages(this.#session);
  }

  /** Milliseconds without a sign of life. */
  get silentMs(): number {
    return this.#context.wheel.now() - this.#aliveAtMs;
  }

  step(event: SessionEvent): void {
    this.#session = transition(this.#session, event);
  }

  /** Begins the delivery of what comes. */
  listen(): void {
    this.#transport.listen(this);
  }

  /** Sends what is queued, then closes. */
  close(failure: FailureCode, code: number, retryAfterMs?: number): void {
    if (!this.isOpen) return;
    this.step({ kind: "closing", code });
    this.#isFinal = !FAILURES[failure].retry;
    increment(this.#context.counters.disconnectsByCode, failure);
    void this.outbox.drained(0).then(() => this.#transport.close(code, closeReason(failure, retryAfterMs)));
  }

  terminate(): void {
    this.#transport.terminate();
  }

  onMessage(frame: string | Uint8Array): void {
    this.#aliveAtMs = this.#context.wheel.now();
    const { owner } = this;
    if (owner === null || !takesMessages(this.#session)) return;
    this.#context.counters.messagesReceived++;
    owner.messageCount++;
    // Of a WebSocket that another server made with bounds of its own; ours refuses by the header.
    if (frame.length > WIRE_LIMITS.maxMessageBytes) {
      this.close("message_too_large", FAILURES.message_too_large.close);
      return;
    }
    if (owner.probation?.takes(frame) === false) return;
    if ((typeof frame !== "string") !== this.codec.binary) {
      this.close("wrong_frame_kind", FAILURES.wrong_frame_kind.close);
      return;
    }
    let value: unknown;
    try {
      value = this.codec.decode(frame);
      const message = this.#context.parser.parse(value);
      this.step({ kind: "message_taken" });
      const waitMs = owner.takeToken(rateClassOf(message.type));
      if (waitMs > 0) this.#refuseForRate(owner, value, waitMs);
      else owner.receive(message);
    } catch (error) {
      this.#refuse(owner, error, value);
    }
  }

  onControlFrame(): void {
    this.#aliveAtMs = this.#context.wheel.now();
    // At once: while a close waits for what is queued each further ping would be answered.
    if (this.owner !== null && this.owner.takeToken("control") > 0) this.#giveUp("too_many_control_frames");
  }

  onClose(code: number): void {
    const began = this.#session.state === "disconnecting";
    this.#entry.remove();
    this.step({ kind: "closed", code });
    this.outbox.close();
    increment(this.#context.counters.closesByCode, code);
    const { owner } = this;
    if (owner === null) return;
    // The peer's own close with 1000, or without a code (1005): it does not mean to come back.
    const isFarewell = !began && (code === 1000 || code === 1005);
    owner.onLinkLost(code, isFarewell || (began && this.#isFinal));
  }

  /** For the wheel. */
  visit(nowMs: number): number {
    const { heartbeatIntervalMs, heartbeatTimeoutMs } = this.#context;
    if (this.outbox.isWriting && this.outbox.completedWritesCount === this.#progressWritesCount) {
      if (nowMs - this.#progressAtMs >= SERVER_LIMITS.writeStallTimeoutMs) {
        this.#giveUp("slow_consumer");
        return heartbeatIntervalMs;
      }
    } else {
      this.#progressWritesCount = this.outbox.completedWritesCount;
      this.#progressAtMs = nowMs;
    }
    const silentMs = nowMs - this.#aliveAtMs;
    if (silentMs >= heartbeatTimeoutMs) {
      this.#giveUp("heartbeat_timeout");
      return heartbeatIntervalMs;
    }
    if (nowMs >= this.#beatAtMs) {
      this.#beatAtMs = nowMs + heartbeatIntervalMs;
      this.owner?.sendControl("heartbeat", { timestamp: Date.now() / 1_000 });
      this.#transport.ping();
    }
    return Math.min(
      this.#beatAtMs - nowMs,
      heartbeatTimeoutMs - silentMs,
      SERVER_LIMITS.writeStallTimeoutMs / 4,
    );
  }

  /** For a peer that does not read, does not live, or floods. */
  #giveUp(failure: "slow_consumer" | "heartbeat_timeout" | "too_many_control_frames"): void {
    this.#context.log.info({ connection: this.owner?.id, code: failure }, "connection given up");
    this.cut(failure, FAILURES[failure].close, false);
  }

  /** Closes at once: nothing that waits is sent any more. `isFinal`: the peer must not come back. */
  cut(failure: FailureCode, code: number, isFinal: boolean): void {
    increment(this.#context.counters.disconnectsByCode, failure);
    const wasOpen = this.isOpen;
    this.step({ kind: "closing", code });
    this.outbox.close();
    if (!wasOpen) {
      this.#transport.terminate();
      return;
    }
    this.#transport.close(code, closeReason(failure));
    // The peer has no use for this socket any more; a close frame that cannot leave ends with the close timeout.
    const { owner } = this;
    if (owner === null) return;
    this.owner = null;
    owner.onLinkLost(code, isFinal);
  }

  #refuseForRate(owner: LinkOwner, value: unknown, waitMs: number): void {
    this.#context.counters.rateLimitViolations++;
    owner.send(
      "error_message",
      {
        error: "Rate limit exceeded",
        error_type: "rate_limited",
        code: "rate_limited",
        retry_after: Math.ceil(waitMs) / 1_000,
        ...queryIdOf(value),
      },
      { correlationId: correlationOfValue(value) },
    );
  }

  #refuse(owner: LinkOwner, error: unknown, value: unknown): void {
    if (!(error instanceof ProtocolFailure)) {
      this.#context.counters.errors++;
      this.#context.log.error({ connection: owner.id, err: error }, "a message could not be read");
    }
    owner.send("validation_error", refusalOf(error, value), { correlationId: correlationOfValue(value) });
    // Clients of a newer protocol send types that we do not know: answered, and no reason to part.
    if (error instanceof ProtocolFailure && error.code === "unknown_type") return;
    this.step({ kind: "message_refused" });
    const session = this.#session;
    if (takesMessages(session) && session.badMessageCount >= WIRE_LIMITS.maxBadMessagesInARow) {
      this.close("too_many_bad_messages", FAILURES.too_many_bad_messages.close);
    }
  }
}
