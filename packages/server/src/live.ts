import { randomUUID } from "node:crypto";
import { type Codec, closeReason, FAILURES, type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";
import { createMessageParser } from "@sparql-live/protocol/validate";
import type { Logger } from "pino";
import type { Broker } from "./broker.js";
import { pushEndpointHealth } from "./features/endpoints.js";
import { createHandlers } from "./features/handlers.js";
import { createQueryRuns, type QueryRuns } from "./features/query/query-runs.js";
import { createRoomAudiences } from "./features/query/room-audiences.js";
import { SERVER_LIMITS } from "./limits.js";
import { type Limits, type LiveOptions, limitsOf, type Newcomer, tickMsOf } from "./live-options.js";
import { type Broadcasts, openBroadcasts } from "./realtime/broadcasts.js";
import type { Connection } from "./realtime/connection.js";
import { type Controls, createControls } from "./realtime/controls.js";
import type { Core } from "./realtime/core.js";
import { type Counters, createCounters, increment } from "./realtime/counters.js";
import { createDispatcher, type Dispatcher } from "./realtime/dispatcher.js";
import { createHub, type Hub } from "./realtime/hub.js";
import { createMailboxes, createUnkeptMailboxes, type Mailboxes } from "./realtime/mailboxes.js";
import { guestIdOf, Peer } from "./realtime/peer.js";
import { failureOf } from "./realtime/refusals.js";
import { changeMember } from "./realtime/rooms/members.js";
import { createNoRooms } from "./realtime/rooms/no-rooms.js";
import type { RoomDeps } from "./realtime/rooms/room-deps.js";
import { createRooms, type Rooms } from "./realtime/rooms/rooms.js";
import { createRuns, type Runs } from "./realtime/runs.js";
import { createSessions, type Sessions } from "./realtime/sessions.js";
import { createTicker } from "./realtime/ticker.js";
import type { Transport } from "./realtime/transport.js";
import { createWheel } from "./realtime/wheel.js";
import type { RunSummary, Store } from "./store.js";

/** The real-time part, put together: connections, rooms, what answers messages, and the queries in progress. */
export interface Live {
  readonly hub: Hub;
  readonly rooms: Rooms;
  readonly runs: Runs;
  /** Runs that connections watch; `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  readonly sessions: Sessions;
  readonly broadcasts: Broadcasts;
  readonly mailboxes: Mailboxes;
  readonly broker: Broker;
  readonly store: Store;
  readonly counters: Counters;
  /** What an application does by itself: send, let in, put out. */
  readonly controls: Controls;
  /** What `connection_ack` tells that there is. */
  readonly features: readonly Feature[];
  /** To add further handlers of a message type, and further types. */
  readonly dispatcher: Dispatcher;
  readonly isDraining: boolean;
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number;
  /** Why a newcomer would be refused, before it is let in. */
  refusalOf(address: string, userId: string | undefined): "going_away" | "too_many_connections" | null;
  /** Takes a transport into use. `null`: it had to be refused, and was closed with the reason (see `refusalOf`). */
  connect(transport: Transport, codec: Codec, newcomer?: Newcomer): Connection | null;
  /** Cancels and tells running queries, then closes every connection with a hint when to return. */
  close(): Promise<void>;
}

/** Throws what the broker throws where its logs cannot be read. */
export async function openLive(options: LiveOptions): Promise<Live> {
  const hub = createHub();
  const broadcasts = await openBroadcasts(options.storage.broker, hub);
  return assemble(options, hub, broadcasts);
}

function assemble(options: LiveOptions, hub: Hub, broadcasts: Broadcasts): Live {
  const { engine, log } = options;
  const { broker, store } = options.storage;
  const limits = limitsOf(options);
  const runs = createRuns();
  const counters = createCounters();
  const ticker = createTicker();
  const wheel = createWheel(tickMsOf(limits));
  const parser = createMessageParser();
  let closing: Promise<void> | null = null;

  const features = featuresOf(engine !== null, limits);
  const audiences = createRoomAudiences({ rooms: () => rooms, peerOf: ({ id }) => sessions.get(id) });
  const queries: QueryRuns | null =
    engine === null
      ? null
      : createQueryRuns({
          engine,
          runs,
          records: broker.runs,
          rooms: audiences,
          counters,
          log,
          ...(options.runBounds === undefined ? {} : { bounds: options.runBounds }),
          onEnded(run) {
            store.history
              .add(run)
              .catch((error: unknown) => log.warn({ err: error }, "a run could not be remembered"));
          },
          onDrafted(roomId, query) {
            rooms
              .get(roomId)
              ?.write(SERVER_LIMITS.documentQueryText, `${query}\n`)
              .catch((error: unknown) => log.warn({ err: error }, "a drafted query could not be written"));
          },
        });
  const roomDeps: RoomDeps = {
    broker,
    store,
    ticker,
    wheel,
    counters,
    log,
    runsOf: async (roomId) =>
      toldRuns(
        queries?.ofRoom(roomId) ?? [],
        await store.history.ofRoom(roomId, SERVER_LIMITS.toldRunsCount),
      ),
    onMember: audiences.onMember,
  };
  const rooms: Rooms = limits.enableRooms ? createRooms(roomDeps, limits) : createNoRooms();
  const sessions: Sessions = createSessions({
    wheel,
    graceMs: limits.presenceGraceMs,
    windowMs: limits.resumeWindowMs,
    onGrace: (peer) => rooms.dismiss(peer),
    onEnd(peer) {
      rooms.abandon(peer);
      peer.end();
    },
  });
  const mailboxes = limits.enableMessagePersistence
    ? createMailboxes({ broker, hub, counters, log })
    : createUnkeptMailboxes(hub);

  const takeOver = (former: Peer, fresh: Peer): void => {
    rooms.suspend(former);
    hub.remove(fresh);
    const replaced = former.adopt(fresh);
    sessions.release(former);
    hub.add(former);
    replaced?.close("session_replaced", FAILURES.session_replaced.close);
    sessions.remove(fresh);
  };
  const handlers = createHandlers({
    engine,
    queries,
    counters,
    log,
    rooms,
    broker,
    sessions,
    mailboxes,
    broadcasts,
    takeOver,
    changeMember: (room, change) => changeMember(room, change, { rooms, sessions }),
  });
  const dispatcher = createDispatcher({ handlers, parser, counters, log });
  const stopPushing = engine === null ? () => undefined : pushEndpointHealth(engine.endpoints, hub);
  const sweepMs = Math.min(SERVER_LIMITS.roomSweepMs, limits.emptyRoomMs);
  const sweeper = wheel.add({ visit: () => sweep(rooms, sweepMs, log) }, sweepMs);

  const core: Core<Peer> = {
    ticker,
    wheel,
    parser,
    counters,
    log,
    dispatch: dispatcher.dispatch,
    rateLimits: { requestsPerMinute: limits.rateLimitPerMinute },
    heartbeatIntervalMs: limits.heartbeatIntervalMs,
    heartbeatTimeoutMs: limits.heartbeatTimeoutMs,
    greeting: (peer) => greeting(peer, sessions.issueToken(peer), broadcasts, limits, features),
    onLost(peer, code, isFinal) {
      hub.remove(peer);
      counters.connectionsClosed++;
      log.debug({ connection: peer.id, code }, "connection closed");
      if (closing !== null) {
        // All go: to tell those who are left of each that went would be the square of their number.
        peer.end();
      } else if (isFinal) {
        sessions.remove(peer);
      } else {
        rooms.suspend(peer);
        peer.lose(code);
        sessions.keep(peer);
      }
    },
  };

  const drain = async () => {
    stopPushing();
    runs.cancelAll("shutdown");
    await settledWithin(runs.idle(), SERVER_LIMITS.shutdownTimeoutMs);
    await settledWithin(queries?.settled() ?? Promise.resolve(), SERVER_LIMITS.shutdownTimeoutMs);
    const links = [...hub.all()].map(({ link }) => link);
    for (const link of links) {
      // Spread, so that they do not all return in the same moment.
      link?.close("going_away", FAILURES.going_away.close, 1_000 + Math.random() * 4_000);
    }
    await settledWithin(hub.emptied(), SERVER_LIMITS.closeTimeoutMs);
    for (const link of links) link?.terminate();
    sweeper.remove();
    wheel.close();
    queries?.close();
    await rooms.close();
    broadcasts.close();
  };

  const refusalOf: Live["refusalOf"] = (address, userId) => {
    if (closing !== null) return "going_away";
    const isCrowded =
      hub.addressConnectionsCount(address) >= limits.maxConnectionsPerAddress ||
      (userId !== undefined && hub.userConnectionsCount(userId) >= limits.maxConnectionsPerUser);
    if (!isCrowded) return null;
    increment(counters.disconnectsByCode, "too_many_connections");
    return "too_many_connections";
  };

  return {
    hub,
    rooms,
    runs,
    queries,
    sessions,
    broadcasts,
    mailboxes,
    broker,
    store,
    counters,
    controls: createControls({ hub, sessions, rooms, mailboxes, broadcasts }),
    features,
    dispatcher,
    startedAtMs: performance.now(),
    get isDraining() {
      return closing !== null;
    },
    refusalOf,
    connect(transport, codec, { userId, userName, roomId, acknowledges = false, isModern = false } = {}) {
      const refusal = refusalOf(transport.remoteAddress, userId);
      if (refusal !== null) {
        transport.close(FAILURES[refusal].close, closeReason(refusal, 1_000));
        return null;
      }
      const id = randomUUID();
      const user = { id: userId ?? guestIdOf(id), name: userName ?? userId ?? "Guest" };
      const peer = new Peer(core, { id, user, transport, codec, acknowledges });
      counters.connectionsOpened++;
      peer.broadcastSeq = broadcasts.position.seq;
      sessions.add(peer);
      hub.add(peer);
      peer.greet(userId !== undefined);
      log.debug({ connection: id, protocol: codec.subprotocol }, "connection opened");
      if (userId !== undefined) {
        mailboxes.deliver(peer).catch((error: unknown) => {
          counters.errors++;
          log.error({ err: error, connection: id }, "queued messages could not be delivered");
        });
      }
      if (roomId !== undefined) {
        rooms.join(peer, roomId, { makes: limits.makeRooms }).catch((error: unknown) => {
          const failure = failureOf(error);
          const { message, code } = failure;
          peer.send("error_message", { error: message, error_type: code, code, room_id: roomId });
          // Clients of old know 1008 alone.
          const isMissing = isModern && code === "room_not_found";
          peer.close(isMissing ? "room_closed" : code, isMissing ? FAILURES.room_closed.close : 1008);
        });
      }
      return peer;
    },
    close() {
      closing ??= drain();
      return closing;
    },
  };
}

type ToldRun = ServerPayloads["join_room"]["runs"][number];

/** Those in progress before those that are over. */
function toldRuns(inProgress: readonly ToldRun[], ended: readonly RunSummary[]): ToldRun[] {
  const over = ended.map((run) => ({
    query_id: run.queryId,
    user_id: run.userId,
    user_name: run.userName,
    text: run.text,
    kind: run.kind,
    started_at: new Date(run.startedAtMs).toISOString(),
    outcome: run.outcome,
    row_count: run.rowCount,
  }));
  return [...inProgress, ...over].slice(0, SERVER_LIMITS.toldRunsCount);
}

function sweep(rooms: Rooms, againMs: number, log: Logger): number {
  rooms.sweep().catch((error: unknown) => log.error({ err: error }, "an empty room could not be put away"));
  return againMs;
}

function greeting(
  peer: Peer,
  token: string,
  broadcasts: Broadcasts,
  limits: Limits,
  features: readonly Feature[],
): ServerPayloads["connection_ack"] {
  return {
    connection_id: peer.id,
    user_id: peer.user.id,
    server_time: new Date().toISOString(),
    heartbeat_interval: limits.heartbeatIntervalMs / 1_000,
    protocol: peer.codec.subprotocol,
    session: {
      resume_token: token,
      resume_window: limits.resumeWindowMs / 1_000,
      broadcast: { ...broadcasts.position },
    },
    limits: {
      max_message_bytes: WIRE_LIMITS.maxMessageBytes,
      max_rows: limits.maxRows,
      max_timeout: WIRE_LIMITS.maxTimeoutSeconds,
      max_credit: WIRE_LIMITS.maxCreditRows,
      max_rooms: limits.roomsPerConnectionCount,
      rate_per_minute: limits.rateLimitPerMinute,
    },
    features: [...features],
  };
}

type Feature = "query" | "stream" | "cancel" | "terms" | "endpoints" | "rooms" | "documents" | "resume";

function featuresOf(hasEngine: boolean, { enableRooms }: Limits): readonly Feature[] {
  return [
    ...(hasEngine ? (["query", "stream", "cancel", "terms", "endpoints"] as const) : []),
    ...(enableRooms ? (["rooms", "documents"] as const) : []),
    "resume",
  ];
}

async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
