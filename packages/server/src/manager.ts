import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { DEFAULT_SUBPROTOCOL, type Subprotocol } from "@sparql-live/protocol";
import type { ConnectionInfo, MetricsSnapshot } from "@sparql-live/protocol/admin";
import type { WebSocket } from "ws";
import type { Revocation } from "./auth/revocations.js";
import type { ErasedCounts, UserDatum } from "./features/user-data.js";
import { createProxyTrust } from "./http/client-address.js";
import { createUpgrades, type Upgrades } from "./http/upgrades.js";
import { type Live, openLive } from "./live.js";
import type { LiveOptions, Newcomer } from "./live-options.js";
import { createLog } from "./log.js";
import { createMemoryStorage } from "./memory-storage.js";
import { metricsOf } from "./metrics/snapshot.js";
import { CODECS } from "./realtime/codecs.js";
import type { Connection } from "./realtime/connection.js";
import type {
  DisconnectOptions,
  Page,
  RoomDeliveryOptions,
  RoomOutgoing,
  RoomPayload,
} from "./realtime/controls.js";
import type { Incoming } from "./realtime/dispatcher.js";
import { type ApplicationHandler, createHandlerList } from "./realtime/handler-list.js";
import type { DeliveryOptions, Outgoing, OutgoingPayload } from "./realtime/outgoing.js";
import type { NewRoom, RoomInfo } from "./realtime/rooms/room-record.js";
import type { Transport } from "./realtime/transport.js";
import type { Storage } from "./storage.js";

/** `LiveOptions` by their names, but for the heartbeat, which is in seconds here. Everything has a default. */
export interface WebSocketManagerOptions
  extends Partial<Omit<LiveOptions, "storage" | "heartbeatIntervalMs" | "heartbeatTimeoutMs">> {
  /** Seconds between two signs of life that the server sends. Default 30. */
  readonly heartbeatInterval?: number;
  /** Seconds of silence after which a peer is taken for gone. Default 60. */
  readonly heartbeatTimeout?: number;
  /** Where rooms, their messages and queues are kept; stays its owner's. Default: in memory. */
  readonly storage?: Storage;
  /** Path in front of `/api/ws/…`, without a slash at the end. Default: none. */
  readonly prefix?: string;
  /** Origins, besides the server's own, whose pages may connect. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses, and networks as `10.0.0.0/8`, of proxies whose `X-Forwarded-For` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Whether upgrades of foreign paths are answered with 404. Default `false`: they are left to their owner, and hang
   * where there is none.
   */
  readonly refuseForeignUpgrades?: boolean;
  /** Whether messages are compressed for clients that offer permessage-deflate. Default `false`. */
  readonly compression?: boolean;
}

/** A connection that an application brings in by itself. */
export interface TransportNewcomer extends Newcomer {
  /** Default `sparql-live.v1.json`. */
  readonly protocol?: Subprotocol;
}

interface Opened {
  readonly live: Live;
  readonly upgrades: Upgrades;
  close(): Promise<void>;
}

/**
 * The real-time server as one object, to be put into a program of your own: connections, rooms, messages and their
 * handlers. It only forwards; the work is done by the parts, which `live` has.
 *
 * Handlers may be added at any time; everything else wants `start()` first and throws an `Error` before it.
 * Failures are `ProtocolFailure`s with a code of the protocol's table. Counts of recipients are those of this
 * process. Ids and times of messages are filled in. A payload must not be changed after it was handed over: it is
 * encoded at the end of the turn.
 */
export class WebSocketManager implements AsyncDisposable {
  readonly #options: WebSocketManagerOptions;
  readonly #handlers = createHandlerList();
  readonly #detachers = new Set<() => void>();
  #starting: Promise<Opened> | null = null;
  #opened: Opened | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: WebSocketManagerOptions = {}) {
    this.#options = options;
  }

  /** The same face for what the plugin `sparqlLive` has mounted (`onLive`); it is started already. */
  static over(live: Live): WebSocketManager {
    const manager = new WebSocketManager();
    manager.#opened = openedOf(live, {}, () => live.close());
    manager.#starting = Promise.resolve(manager.#opened);
    manager.#handlers.install(live.dispatcher);
    return manager;
  }

  /** Opens the logs. Throws what the storage throws, `TypeError` where two definitions of a message type differ. */
  async start(): Promise<void> {
    if (this.#closing !== null) throw new Error("The manager was shut down; make another.");
    this.#starting ??= open(this.#options);
    const opened = await this.#starting;
    if (this.#opened === null) this.#handlers.install(opened.live.dispatcher);
    this.#opened = opened;
  }

  /**
   * Tells and cancels running queries, closes every connection with 1012 and a hint when to return, and lets go of
   * the HTTP servers. An engine and a storage that were given stay open.
   */
  shutdown(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** The parts. */
  get live(): Live {
    return this.#started().live;
  }

  /** Answers the WebSocket upgrades of an HTTP server. Returns the way to stop; `shutdown` stops it too. */
  attach(server: HttpServer | HttpsServer): () => void {
    const detach = this.#started().upgrades.attach(server);
    this.#detachers.add(detach);
    return () => {
      this.#detachers.delete(detach);
      detach();
    };
  }

  /** For an `upgrade` event that the application listens to itself. Returns whether it was ours to answer. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.#started().upgrades.handle(request, socket, head);
  }

  /**
   * Takes in a connection that the application has opened, after its own checks. `null`: it was refused, and closed
   * with 1012 (shutting down), 1013 (overloaded), 4429 (too many) or 1008.
   *
   * A WebSocket of `ws` comes with its request, in the turn of its `connection` event, and must not compress. Where
   * no newcomer is named its address says who comes. Anything else comes as a `Transport`.
   */
  connect(webSocket: WebSocket, request: IncomingMessage, newcomer?: Newcomer): Connection | null;
  connect(transport: Transport, newcomer?: TransportNewcomer): Connection | null;
  connect(...given: GivenWebSocket | GivenTransport): Connection | null {
    const { live, upgrades } = this.#started();
    if (isWebSocket(given)) return upgrades.accept(...given);
    const [transport, { protocol = DEFAULT_SUBPROTOCOL, ...newcomer } = {}] = given;
    return live.connect(transport, CODECS[protocol], newcomer);
  }

  /**
   * Sends what is queued, closes (with 4403 unless another code is named), and ends the session: it cannot be
   * resumed. Returns whether there was such a connection. Throws a `RangeError` for a code that may not be sent.
   */
  disconnect(connectionId: string, options?: DisconnectOptions): boolean {
    return this.live.controls.disconnect(connectionId, options);
  }

  /**
   * A token (`jti`), all tokens that a user has had so far, or all of one sign-in (`sid`) prove nothing any more:
   * connections are closed with 4401, and later ones refused, also after a restart where there is a store. Settles
   * with how many connections of this process were closed.
   */
  async revoke(revocation: Revocation): Promise<number> {
    return this.live.controls.revoke(revocation);
  }

  /** Returns 1, or 0 where no such connection has a socket. */
  sendToConnection<T extends Outgoing>(
    connectionId: string,
    what: T,
    payload: OutgoingPayload<T>,
    options?: Pick<DeliveryOptions, "correlationId">,
  ): number {
    return this.live.controls.sendToConnection(connectionId, what, payload, options);
  }

  /**
   * Settles with the count of the user's connections. It waits for a user who is away (a hundred messages, seven
   * days) unless `enableMessagePersistence` is `false`.
   */
  async sendToUser<T extends Outgoing>(
    userId: string,
    what: T,
    payload: OutgoingPayload<T>,
    options?: DeliveryOptions,
  ): Promise<number> {
    return this.live.controls.sendToUser(userId, what, payload, options);
  }

  /**
   * A `room_message` (`{message}`, any JSON) is stored in the room's log in the name of `author`; when this settles it
   * is. Other types go out in the same order and are not stored. Throws `room_not_found`.
   */
  async sendToRoom<T extends RoomOutgoing>(
    roomId: string,
    what: T,
    payload: RoomPayload<T>,
    options?: RoomDeliveryOptions<T>,
  ): Promise<number> {
    return this.live.controls.sendToRoom(roomId, what, payload, options);
  }

  /** To every connection, and to those that come back within ten minutes. */
  async broadcast<T extends Outgoing>(
    what: T,
    payload: OutgoingPayload<T>,
    options?: DeliveryOptions,
  ): Promise<number> {
    return this.live.controls.broadcast(what, payload, options);
  }

  /** Throws `bad_request`, `room_exists`, `too_many_rooms`. */
  async createRoom(room: NewRoom): Promise<RoomInfo> {
    return this.live.controls.createRoom(room);
  }

  /** Puts its members out, with the reason `deleted`, and forgets its log. Throws `room_not_found`. */
  async deleteRoom(roomId: string): Promise<void> {
    return this.live.controls.deleteRoom(roomId);
  }

  /** Also into a private room. Throws `bad_request` (no such connection), `room_not_found`, `room_full`. */
  async joinRoom(connectionId: string, roomId: string): Promise<void> {
    return this.live.controls.joinRoom(connectionId, roomId);
  }

  /** Throws `bad_request` (no such connection) and `not_in_room`. */
  async leaveRoom(connectionId: string, roomId: string): Promise<void> {
    return this.live.controls.leaveRoom(connectionId, roomId);
  }

  /**
   * A further handler of a type of the protocol, by its name, or of a type of your own, by its definition
   * (`defineMessage`); messages that do not fit the definition never reach it. Returns the way to take it off.
   * Throws a `TypeError` where another definition of the type is known.
   */
  registerHandler<W extends Incoming>(what: W, handler: ApplicationHandler<W>): () => void {
    return this.#handlers.add(what, handler);
  }

  /** What was counted since the start, and what there is now, as `GET /api/ws/metrics` tells it. */
  getMetrics(): MetricsSnapshot {
    return metricsOf(this.live);
  }

  /** Also of a connection that lost its socket and may still come back. */
  getConnectionInfo(connectionId: string): ConnectionInfo | null {
    return this.live.controls.connectionInfo(connectionId);
  }

  async getRoomInfo(roomId: string): Promise<RoomInfo | null> {
    return this.live.controls.roomInfo(roomId);
  }

  /** Oldest first. */
  async listRooms(page?: Page): Promise<readonly RoomInfo[]> {
    return this.live.controls.listRooms(page);
  }

  /** What is stored of a user, one thing after the other. */
  exportUserData(userId: string): AsyncGenerator<UserDatum, void, undefined> {
    return this.live.userData.export(userId);
  }

  /**
   * Ends the user's connections and erases what is stored of the user. Messages leave empty places; rooms go to the
   * first of their editors by name, or are deleted where they name none.
   */
  async eraseUserData(userId: string): Promise<ErasedCounts> {
    return this.live.userData.erase(userId);
  }

  #started(): Opened {
    if (this.#opened === null) throw new Error("The manager is not started; await start() first.");
    return this.#opened;
  }

  async #close(): Promise<void> {
    const [starting] = await Promise.allSettled([this.#starting]);
    // A start that failed has told so itself.
    if (starting.status === "fulfilled") await starting.value?.close();
    // Until then who comes is told to come later.
    for (const detach of this.#detachers) detach();
  }
}

async function open(options: WebSocketManagerOptions): Promise<Opened> {
  const { heartbeatInterval = 30, heartbeatTimeout = 60, engine = null, log, ...others } = options;
  const storage = options.storage ?? createMemoryStorage();
  const live = await openLive({
    ...others,
    engine,
    log: log ?? createLog("info"),
    storage,
    heartbeatIntervalMs: heartbeatInterval * 1_000,
    heartbeatTimeoutMs: heartbeatTimeout * 1_000,
  });
  return openedOf(live, options, async () => {
    await live.close();
    if (options.storage === undefined) await storage.close();
  });
}

function openedOf(live: Live, options: WebSocketManagerOptions, close: () => Promise<void>): Opened {
  const upgrades = createUpgrades({
    live,
    prefix: options.prefix ?? "",
    allowedOrigins: options.allowedOrigins ?? [],
    proxyTrust: createProxyTrust(options.trustedProxies ?? []),
    refuseForeign: options.refuseForeignUpgrades ?? false,
    compression: options.compression ?? false,
  });
  return { live, upgrades, close };
}

type GivenWebSocket = [webSocket: WebSocket, request: IncomingMessage, newcomer?: Newcomer | undefined];
type GivenTransport = [transport: Transport, newcomer?: TransportNewcomer | undefined];

function isWebSocket(given: GivenWebSocket | GivenTransport): given is GivenWebSocket {
  return !("listen" in given[0]);
}
