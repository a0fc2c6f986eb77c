import { setMaxListeners } from "node:events";
import {
  type Codec,
  closeReason,
  FAILURES,
  type FailureCode,
  ProtocolFailure,
  type ServerPayloads,
  WIRE_LIMITS,
} from "@sparql-live/protocol";
import { parseClientMessage } from "@sparql-live/protocol/validate";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { Connection, User } from "./connection.js";
import type { Counters } from "./counters.js";
import type { Dispatcher } from "./dispatcher.js";
import { createEncoder } from "./encoder.js";
import { createOutbox } from "./outbox.js";
import { correlationOfValue, refusalOf } from "./refusals.js";
import { INITIAL_SESSION, transition } from "./session.js";
import type { Transport } from "./transport.js";
import type { Wheel } from "./wheel.js";

export interface ConnectionOptions {
  readonly id: string;
  readonly user: User;
  readonly transport: Transport;
  readonly codec: Codec;
  readonly dispatcher: Dispatcher;
  readonly wheel: Wheel;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** The first message. */
  readonly greeting: ServerPayloads["connection_ack"];
  readonly counters: Counters;
  readonly log: Logger;
  readonly onClosed: (connection: Connection, code: number) => void;
}

/** Takes a transport into use: greets, reads, keeps watch over its life. */
export function openConnection(options: ConnectionOptions): Connection {
  const { id, user, transport, codec, dispatcher, wheel, counters, log } = options;
  const lost = new AbortController();
  // Each query in progress listens; how many may be is bounded elsewhere.
  setMaxListeners(0, lost.signal);
  const encode = createEncoder(id, codec);
  const connectedAtMs = Date.now();
  let session = INITIAL_SESSION;
  let aliveAtMs = wheel.now();
  let beatAtMs = wheel.now() + options.heartbeatIntervalMs;
  let progress = { writes: 0, atMs: wheel.now() };

  const outbox = createOutbox({
    transport,
    binary: codec.binary,
    onOverflow: () => giveUp("slow_consumer"),
  });

  const connection: Connection = {
    id,
    user,
    codec,
    connectedAtMs,
    get session() {
      return session;
    },
    signal: lost.signal,
    send(type, payload, { correlationId, supersedes } = {}) {
      if (!isOpen()) return;
      counters.messagesSent++;
      outbox.send(encode(type, payload, correlationId), supersedes);
    },
    sendControl(type, payload, { correlationId } = {}) {
      if (!isOpen()) return;
      counters.messagesSent++;
      outbox.sendControl(encode(type, payload, correlationId));
    },
    sendEphemeral(key, type, payload, { correlationId } = {}) {
      if (!isOpen()) return;
      outbox.sendEphemeral(key, () => {
        counters.messagesSent++;
        return encode(type, payload, correlationId);
      });
    },
    async sendAlone(type, payload, sendOptions) {
      // Somebody else who waited for the same moment may have come first.
      while (isOpen() && outbox.queuedBytes > 0) await outbox.drained(0);
      connection.send(type, payload, sendOptions);
    },
    drained: () => outbox.drained(SERVER_LIMITS.streamLowWaterBytes),
    close,
  };

  function isOpen(): boolean {
    return session.state === "connecting" || session.state === "connected";
  }

  function close(failure: FailureCode, code: number, retryAfterMs?: number): void {
    if (!isOpen()) return;
    session = transition(session, { kind: "closing", code });
    lost.abort();
    void outbox.drained(0).then(() => transport.close(code, closeReason(failure, retryAfterMs)));
  }

  /** For a peer that does not read or does not live: nothing that waits is sent any more. */
  function giveUp(failure: FailureCode): void {
    counters.disconnectsByCode.set(failure, (counters.disconnectsByCode.get(failure) ?? 0) + 1);
    log.info({ connection: id, code: failure }, "connection given up");
    const code = FAILURES[failure].close ?? 1011;
    const wasOpen = isOpen();
    session = transition(session, { kind: "closing", code });
    lost.abort();
    outbox.close();
    if (wasOpen) transport.close(code, closeReason(failure));
    else transport.terminate();
  }

  function receive(frame: string | Uint8Array): void {
    aliveAtMs = wheel.now();
    if (session.state !== "connected") return;
    counters.messagesReceived++;
    if ((typeof frame !== "string") !== codec.binary) {
      close("wrong_frame_kind", FAILURES.wrong_frame_kind.close);
      return;
    }
    let value: unknown;
    try {
      value = codec.decode(frame);
      const message = parseClientMessage(value);
      session = transition(session, { kind: "message_taken" });
      dispatcher.dispatch(message, connection);
    } catch (error) {
      refuse(error, value);
    }
  }

  function refuse(error: unknown, value: unknown): void {
    if (!(error instanceof ProtocolFailure)) {
      counters.errors++;
      log.error({ connection: id, err: error }, "a message could not be read");
    }
    const correlationId = correlationOfValue(value);
    connection.send("validation_error", refusalOf(error, value), { correlationId });
    // Clients of a newer protocol send types that we do not know: answered, and no reason to part.
    if (error instanceof ProtocolFailure && error.code === "unknown_type") return;
    session = transition(session, { kind: "message_refused" });
    if (session.state === "connected" && session.badMessageCount >= WIRE_LIMITS.maxBadMessagesInARow) {
      close("too_many_bad_messages", FAILURES.too_many_bad_messages.close);
    }
  }

  function watch(nowMs: number): number {
    if (outbox.isWriting() && outbox.completedWrites === progress.writes) {
      if (nowMs - progress.atMs >= SERVER_LIMITS.writeStallTimeoutMs) {
        giveUp("slow_consumer");
        return options.heartbeatIntervalMs;
      }
    } else {
      progress = { writes: outbox.completedWrites, atMs: nowMs };
    }
    const silentMs = nowMs - aliveAtMs;
    if (silentMs >= options.heartbeatTimeoutMs) {
      giveUp("heartbeat_timeout");
      return options.heartbeatIntervalMs;
    }
    if (nowMs >= beatAtMs) {
      beatAtMs = nowMs + options.heartbeatIntervalMs;
      connection.sendControl("heartbeat", { timestamp: Date.now() / 1_000 });
      transport.ping();
    }
    return Math.min(
      beatAtMs - nowMs,
      options.heartbeatTimeoutMs - silentMs,
      SERVER_LIMITS.writeStallTimeoutMs / 4,
    );
  }

  const stopWatching = wheel.add(watch, Math.min(options.heartbeatIntervalMs, 1_000));
  transport.listen({
    onMessage: receive,
    onAlive() {
      aliveAtMs = wheel.now();
    },
    onClose(code) {
      stopWatching();
      session = transition(session, { kind: "closed", code });
      outbox.close();
      lost.abort();
      options.onClosed(connection, code);
    },
  });
  connection.send("connection_ack", options.greeting);
  session = transition(session, { kind: "acknowledged" });
  return connection;
}
