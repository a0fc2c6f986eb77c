import { randomUUID } from "node:crypto";
import {
  type Codec,
  FAILURES,
  type FailureCode,
  type ServerMessageType,
  type ServerPayloads,
} from "@sparql-live/protocol";
import type { AdminAction, AdminReply } from "@sparql-live/protocol/admin";
import type { ParsedMessage } from "@sparql-live/protocol/validate";
import type { Logger } from "pino";
import type { Identity } from "../auth/authenticator.js";
import type { Holder } from "../auth/expiry-watch.js";
import { SERVER_LIMITS } from "../limits.js";
import { metricsOf } from "../metrics/snapshot.js";
import type { SendOptions } from "../realtime/connection.js";
import { correlationOf } from "../realtime/dispatcher.js";
import { type Framed, frameMessage } from "../realtime/frames.js";
import { Link, type LinkContext, type LinkOwner } from "../realtime/link.js";
import { type Outgoing, type OutgoingPayload, typeOf } from "../realtime/outgoing.js";
import { RateBuckets, type RateClass } from "../realtime/rate-limit.js";
import { errorMessageOf, failureOf, isFault } from "../realtime/refusals.js";
import type { Transport } from "../realtime/transport.js";
import { type AdminTargets, createPerformers, type MetricsSubscription } from "./perform.js";
import { checkedAction } from "./request.js";

const RATE = { ratePerMinute: SERVER_LIMITS.adminActionsPerMinuteCount };

/** Somebody who was let in. */
export interface Admin {
  /** For the log. */
  readonly who: string;
  /** `null`: by the key, which does not expire. */
  readonly identity: Identity | null;
}

interface AdminSessionOptions {
  readonly transport: Transport;
  readonly codec: Codec;
  readonly admin: Admin;
  readonly context: LinkContext;
  readonly targets: AdminTargets;
  readonly onEnd: () => void;
}

/** One socket of an admin, with the timer that pushes metrics to it. It lives as long as the token that opened it. */
export class AdminSession implements LinkOwner, Holder {
  readonly id = randomUUID();
  /** Who opens one has proven to be an admin. */
  readonly probation = null;
  messageCount = 0;
  readonly #link: Link;
  readonly #options: AdminSessionOptions;
  readonly #buckets = new RateBuckets(RATE, performance.now());
  readonly #performers: ReturnType<typeof createPerformers>;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: () => void = () => undefined;
  #sentCount = 0;

  constructor(options: AdminSessionOptions) {
    this.#options = options;
    const subscription: MetricsSubscription = {
      start: (intervalMs) => this.#subscribe(intervalMs),
      stop: () => clearInterval(this.#timer),
    };
    this.#performers = createPerformers(options.targets, subscription);
    this.#link = new Link(options.context, options.transport, options.codec, this);
  }

  get identity(): Identity | null {
    return this.#options.admin.identity;
  }

  begin(): void {
    const { expiries, authentication } = this.#options.targets.live;
    const { identity } = this;
    this.#link.step({ kind: "acknowledged" });
    this.#link.listen();
    expiries.watch(this);
    if (identity === null) return;
    this.#stopWatching = authentication.revocations.watch(identity, () =>
      this.cut("token_revoked", FAILURES.token_revoked.close, true),
    );
  }

  cut(failure: FailureCode, code: number, isFinal: boolean): void {
    this.#link.cut(failure, code, isFinal);
  }

  send<T extends Outgoing>(what: T, payload: OutgoingPayload<T>, options: SendOptions = {}): void {
    this.#write(typeOf(what), payload, options.correlationId);
  }

  sendControl<T extends ServerMessageType>(type: T, payload: ServerPayloads[T]): void {
    if (this.#link.isOpen) this.#link.outbox.sendControl(this.#frame(type, payload, undefined));
  }

  takeToken(rateClass: RateClass): number {
    return this.#buckets.take(rateClass, RATE, performance.now());
  }

  receive(message: ParsedMessage): void {
    if (message.type === "ping") {
      this.#write("pong", { timestamp: Date.now() / 1_000 }, correlationOf(message));
    } else if (message.type !== "pong" && message.type !== "heartbeat") void this.#perform(message);
  }

  onLinkLost(): void {
    clearInterval(this.#timer);
    this.#options.targets.live.expiries.unwatch(this);
    this.#stopWatching();
    this.#options.onEnd();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#link.close("going_away", FAILURES.going_away.close, 1_000);
  }

  async #perform(message: ParsedMessage): Promise<void> {
    const { context } = this.#options;
    const correlationId = correlationOf(message);
    try {
      const { action, payload } = checkedAction(message);
      // `checkedAction` held the payload to the schema of its action.
      const perform = this.#performers[action] as (
        payload: object,
      ) => AdminReply<AdminAction> | Promise<AdminReply<AdminAction>>;
      const reply = await perform(payload);
      this.#audit(message, "done");
      this.#write(reply.type, reply.payload, correlationId);
    } catch (error) {
      if (isFault(error)) {
        context.counters.errors++;
        context.log.error({ err: error, action: message.type }, "an action of an admin failed");
      }
      this.#audit(message, failureOf(error).code);
      this.#write("error_message", errorMessageOf(error), correlationId);
    }
  }

  #audit({ type, payload }: ParsedMessage, outcome: string): void {
    const { context, admin, transport } = this.#options;
    const { who } = admin;
    audit(context.log, { who, address: transport.remoteAddress, action: type, payload, outcome });
  }

  #subscribe(intervalMs: number): void {
    clearInterval(this.#timer);
    if (!this.#link.isOpen) return;
    this.#timer = setInterval(() => {
      const { live } = this.#options.targets;
      // Who does not read gets the latest.
      if (this.#link.isOpen) {
        this.#link.outbox.sendEphemeral("metrics", () => this.#frame("metrics", metricsOf(live), undefined));
      }
    }, intervalMs);
  }

  #write(type: string, payload: unknown, correlationId: string | undefined): void {
    if (this.#link.isOpen) this.#link.outbox.send(this.#frame(type, payload, correlationId));
  }

  #frame(type: string, payload: unknown, correlationId: string | undefined): Framed {
    return frameMessage(this.#options.codec, {
      type,
      message_id: `${this.id}-${++this.#sentCount}`,
      ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      timestamp: Date.now() / 1_000,
      payload,
    });
  }
}

/** What an action was about. What was said, as in a broadcast, is not logged. */
const LOGGED = ["connection_id", "user_id", "room_id", "query_id", "interval_ms", "from", "to"] as const;

interface Audited {
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly payload: unknown;
  /** `done`, or the code of the failure. */
  readonly outcome: string;
}

/** One line for each action. */
function audit(log: Logger, { payload, action, ...others }: Audited): void {
  const members = typeof payload === "object" && payload !== null ? Object.entries(payload) : [];
  const names: readonly string[] = LOGGED;
  const about = members.filter(([name, value]) => names.includes(name) && isShort(value));
  const line = { ...others, action: action.slice(0, 64), ...Object.fromEntries(about) };
  log.info({ audit: line }, "an admin acted");
}

function isShort(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value.length <= 128);
}
