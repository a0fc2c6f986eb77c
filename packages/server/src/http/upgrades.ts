import { type Server as HttpServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Codec,
  closeReason,
  DEFAULT_SUBPROTOCOL,
  FAILURES,
  type FailureCode,
  negotiateSubprotocol,
  SUBPROTOCOLS,
  WIRE_LIMITS,
} from "@sparql-live/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import type { Newcomer } from "../live-options.js";
import { CODECS } from "../realtime/codecs.js";
import type { Connection } from "../realtime/connection.js";
import { failureOf } from "../realtime/refusals.js";
import { createWsTransport, LiveSocket } from "../realtime/ws-transport.js";
import { BLOCKED } from "./admin-gate.js";
import { ADMIN_PATH, type AdminDoor, admitAdmin } from "./admin-upgrade.js";
import { newcomerOf, offeredProtocols, placeOf, urlOf } from "./newcomers.js";
import { isOriginAllowed } from "./origin.js";
import { PROBLEM_TYPE, problem } from "./problem.js";

// An object of its own, because `closeTimeout` is younger than its types.
const WS_OPTIONS = {
  noServer: true,
  WebSocket: LiveSocket,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: WIRE_LIMITS.maxMessageBytes,
  maxFragments: WIRE_LIMITS.maxFragmentsPerMessage,
  maxBufferedChunks: WIRE_LIMITS.maxBufferedChunks,
  closeTimeout: SERVER_LIMITS.closeTimeoutMs,
  // Refused beforehand where none is known: `false` here would accept without a subprotocol.
  handleProtocols(offered: Set<string>) {
    const { echo } = { echo: undefined, ...negotiateSubprotocol(offered) };
    return echo ?? false;
  },
};

export interface UpgradeOptions {
  readonly live: Live;
  /** Path under which the application is mounted, without a slash at the end. */
  readonly prefix: string;
  readonly allowedOrigins: readonly string[];
  /** Whether upgrades of foreign paths are answered with 404, rather than left to their owner. */
  readonly refuseForeign: boolean;
  /** Absent: there is nothing for admins here. */
  readonly admin?: AdminDoor;
}

/** Brings WebSockets in: by the upgrades of HTTP servers, or as they come from a `WebSocketServer` elsewhere. */
export interface Upgrades {
  /** Answers an `upgrade` of an HTTP server. Returns whether it was ours to answer. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Answers those of a server from now on. Returns the way to stop. */
  attach(server: HttpServer | HttpsServer): () => void;
  /**
   * Takes over an open WebSocket of `ws`, in the turn of its `connection` event. Who comes is read from the address
   * of the request where nobody says so. `null`: it was refused, and closed with the reason. Throws a `TypeError` for
   * a WebSocket that compresses.
   */
  accept(webSocket: WebSocket, request: IncomingMessage, newcomer?: Newcomer): Connection | null;
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers WebSocket upgrades under `/api/ws/`. What must be refused is refused by HTTP, before the upgrade. */
export function createUpgrades({
  live,
  prefix,
  allowedOrigins,
  refuseForeign,
  admin: door,
}: UpgradeOptions): Upgrades {
  const server = new WebSocketServer(WS_OPTIONS);

  const examine = (request: IncomingMessage, url: URL | null, address: string): Newcomer | Refusal => {
    const place = url === null ? null : placeOf(url.pathname.slice(prefix.length));
    if (url === null || place === null) return NOT_FOUND;
    if (place.roomId !== undefined && !live.features.includes("rooms")) return NO_ROOMS;
    if (!isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins)) return FOREIGN_ORIGIN;
    const offered = offeredProtocols(request);
    if (negotiateSubprotocol(offered).accepted === null) return UNKNOWN_SUBPROTOCOL;
    const newcomer = newcomerOf(url);
    if (newcomer === null) return LONG_NAME;
    const refusal = live.refusalOf(address, newcomer.userId);
    if (refusal !== null) return REFUSALS[refusal];
    return { ...newcomer, ...place, isModern: offered.length > 0 };
  };

  const examineAdmin = async (request: IncomingMessage, url: URL, address: string, admin: AdminDoor) => {
    const entry = await admitAdmin(request, url, address, admin);
    if (entry.kind === "refused") return NOT_FOUND;
    if (entry.kind === "blocked") return withRetry(BLOCKED, entry.retryAfterMs);
    if (!isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins)) return FOREIGN_ORIGIN;
    if (live.isDraining) return REFUSALS.going_away;
    return admin.endpoint.isFull ? REFUSALS.too_many_connections : entry;
  };
  const upgradeAdmin = async ({ request, socket, head }: Upgrade, url: URL, admin: AdminDoor) => {
    const address = (socket as Socket).remoteAddress ?? "";
    const examined = await examineAdmin(request, url, address, admin).catch((error: unknown) => {
      const { code, message } = failureOf(error);
      return refusalOf(code, message);
    });
    if ("status" in examined) return refuse(socket, examined);
    server.handleUpgrade(request, socket, head, (webSocket) =>
      admin.endpoint.connect(createWsTransport(webSocket, request.socket), codecOf(webSocket), examined.who),
    );
  };

  const upgrades: Upgrades = {
    handle(request, socket, head) {
      const url = urlOf(request);
      const owned = url?.pathname.startsWith(`${prefix}/api/ws/`) ?? false;
      if (!owned && !refuseForeign) return false;
      // Until `ws` takes over, an error of the socket would have no listener.
      socket.on("error", () => socket.destroy());
      if (door !== undefined && url?.pathname === `${prefix}${ADMIN_PATH}`) {
        void upgradeAdmin({ request, socket, head }, url, door);
        return true;
      }
      // A server's upgrade hands over its TCP (or TLS) socket; the type is wider for the sake of tunnels.
      const examined = examine(request, url, (socket as Socket).remoteAddress ?? "");
      if ("status" in examined) refuse(socket, examined);
      else server.handleUpgrade(request, socket, head, (webSocket) => admit(webSocket, request, examined));
      return true;
    },
    attach(httpServer) {
      httpServer.on("upgrade", upgrades.handle);
      return () => httpServer.off("upgrade", upgrades.handle);
    },
    accept(webSocket, request, newcomer) {
      if (webSocket.extensions !== "") {
        throw new TypeError(
          "A WebSocket that compresses cannot be taken over; set perMessageDeflate: false.",
        );
      }
      const url = newcomer === undefined ? urlOf(request) : null;
      const read = url === null ? (newcomer ?? {}) : newcomerOf(url);
      if (read !== null) return admit(webSocket, request, { isModern: webSocket.protocol !== "", ...read });
      webSocket.close(1008, closeReason("bad_request"));
      return null;
    },
  };

  const admit = (webSocket: WebSocket, request: IncomingMessage, newcomer: Newcomer): Connection | null => {
    const transport = createWsTransport(webSocket, request.socket);
    return live.connect(transport, codecOf(webSocket), newcomer);
  };

  return upgrades;
}

function codecOf({ protocol }: WebSocket): Codec {
  return CODECS[SUBPROTOCOLS.find((subprotocol) => subprotocol === protocol) ?? DEFAULT_SUBPROTOCOL];
}

function withRetry(refusal: Refusal, retryAfterMs: number): Refusal {
  return { ...refusal, headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) } };
}

const NOT_FOUND: Refusal = {
  status: 404,
  code: "not_found",
  detail: "There is no WebSocket here; there are /api/ws/query and /api/ws/room/{room_id}.",
};
const NO_ROOMS = refusalOf("feature_unavailable", "This server has no rooms.");
const FOREIGN_ORIGIN: Refusal = {
  status: 403,
  code: "origin_forbidden",
  detail: "Pages of this origin may not connect (see allowed-origins).",
};
const UNKNOWN_SUBPROTOCOL: Refusal = {
  status: 400,
  code: "unknown_subprotocol",
  detail: `Offer one of ${SUBPROTOCOLS.join(", ")}, or none.`,
};
const LONG_NAME = refusalOf(
  "bad_request",
  `user_id and user_name have at most ${WIRE_LIMITS.maxIdCharacters} characters.`,
);
const REFUSALS = {
  going_away: refusalOf("going_away", "The server is shutting down.", { "retry-after": "2" }),
  too_many_connections: refusalOf(
    "too_many_connections",
    "There are too many connections from this address or of this user; close one first.",
    { "retry-after": "2" },
  ),
};

function refusalOf(code: FailureCode, detail: string, headers: Refusal["headers"] = {}): Refusal {
  return { status: FAILURES[code].http, code, detail, headers };
}

function refuse(socket: Duplex, { status, code, detail, headers = {} }: Refusal): void {
  const body = JSON.stringify(problem(status, code, detail));
  const lines = Object.entries({
    connection: "close",
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
}
