import { randomUUID } from "node:crypto";
import { type Engine, LIMITS } from "@sparql-live/engine";
import { type Codec, closeReason, FAILURES, type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";
import type { Logger } from "pino";
import { pushEndpointHealth } from "./features/endpoints.js";
import { createHandlers } from "./features/handlers.js";
import { createTurns } from "./features/query/turns.js";
import { SERVER_LIMITS } from "./limits.js";
import type { Connection, User } from "./realtime/connection.js";
import { type Counters, createCounters } from "./realtime/counters.js";
import { createDispatcher, type Dispatcher } from "./realtime/dispatcher.js";
import { createHub, type Hub } from "./realtime/hub.js";
import { openConnection } from "./realtime/open-connection.js";
import { createRuns, type Runs } from "./realtime/runs.js";
import type { Transport } from "./realtime/transport.js";
import { createWheel } from "./realtime/wheel.js";

export interface LiveOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** Milliseconds between two signs of life that the server sends. Default 30 000. */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds of silence after which a peer is taken for gone. Default 60 000. */
  readonly heartbeatTimeoutMs?: number;
  /** Rows of one result, as told in `connection_ack`. Default: the engine's. */
  readonly maxRows?: number;
}

/** The real-time part, put together: connections, what answers them, and the queries in progress. */
export interface Live {
  readonly hub: Hub;
  readonly runs: Runs;
  readonly counters: Counters;
  /** To add further handlers of a message type. */
  readonly dispatcher: Dispatcher;
  readonly isDraining: boolean;
  /** Takes a transport into use. While draining it is closed at once. */
  connect(transport: Transport, codec: Codec, user?: Partial<User>): Connection | null;
  /** Cancels and tells running queries, then closes every connection with a hint when to return. */
  close(): Promise<void>;
}

export function createLive({
  engine,
  log,
  heartbeatIntervalMs = SERVER_LIMITS.heartbeatIntervalMs,
  heartbeatTimeoutMs = SERVER_LIMITS.heartbeatTimeoutMs,
  maxRows = LIMITS.maxRows,
}: LiveOptions): Live {
  const hub = createHub();
  const runs = createRuns();
  const counters = createCounters();
  const wheel = createWheel(Math.min(1_000, Math.max(10, heartbeatIntervalMs / 4)));
  const handlers = createHandlers({ engine, runs, turns: createTurns(), counters, log });
  const dispatcher = createDispatcher({ handlers, counters, log });
  const stopPushing = pushEndpointHealth(engine.endpoints, hub);
  const transports = new Map<string, Transport>();
  let closing: Promise<void> | null = null;

  const greeting = (id: string, user: User, codec: Codec): ServerPayloads["connection_ack"] => ({
    connection_id: id,
    user_id: user.id,
    server_time: new Date().toISOString(),
    heartbeat_interval: heartbeatIntervalMs / 1_000,
    protocol: codec.subprotocol,
    limits: {
      max_message_bytes: WIRE_LIMITS.maxMessageBytes,
      max_rows: maxRows,
      max_timeout: WIRE_LIMITS.maxTimeoutSeconds,
      max_credit: WIRE_LIMITS.maxCreditRows,
    },
    features: ["query", "stream", "cancel", "terms", "endpoints"],
  });

  const drain = async () => {
    stopPushing();
    runs.cancelAll("shutdown");
    await settledWithin(runs.idle(), SERVER_LIMITS.shutdownTimeoutMs);
    for (const connection of hub.all()) {
      // Spread, so that they do not all return in the same moment.
      connection.close("going_away", FAILURES.going_away.close, 1_000 + Math.random() * 4_000);
    }
    await settledWithin(hub.emptied(), SERVER_LIMITS.closeTimeoutMs);
    for (const transport of transports.values()) transport.terminate();
    wheel.close();
  };

  return {
    hub,
    runs,
    counters,
    dispatcher,
    get isDraining() {
      return closing !== null;
    },
    connect(transport, codec, { id: userId, name } = {}) {
      if (closing !== null) {
        transport.close(FAILURES.going_away.close, closeReason("going_away", 1_000));
        return null;
      }
      const id = randomUUID();
      const user: User = { id: userId ?? `guest-${id}`, name: name ?? userId ?? "Guest" };
      transports.set(id, transport);
      counters.connectionsOpened++;
      const connection = openConnection({
        id,
        user,
        transport,
        codec,
        dispatcher,
        wheel,
        heartbeatIntervalMs,
        heartbeatTimeoutMs,
        greeting: greeting(id, user, codec),
        counters,
        log,
        onClosed(closed, code) {
          hub.remove(closed);
          transports.delete(id);
          log.debug({ connection: id, code }, "connection closed");
        },
      });
      hub.add(connection);
      log.debug({ connection: id, protocol: codec.subprotocol }, "connection opened");
      return connection;
    },
    close() {
      closing ??= drain();
      return closing;
    },
  };
}

async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
