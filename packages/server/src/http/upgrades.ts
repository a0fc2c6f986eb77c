import { type Server as HttpServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import {
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
import { GATE_WORDS, retryAfterMsOf } from "../live/gate.js";
import type { Live } from "../live.js";
import type { Newcomer } from "../live-options.js";
import { CODECS } from "../realtime/codecs.js";
import type { Connection } from "../realtime/connection.js";
import { createWsTransport, LiveSocket } from "../realtime/ws-transport.js";
import type { ProxyTrust } from "./client-address.js";
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
  readonly proxyTrust: ProxyTrust;
  /** Whether upgrades of foreign paths are answered with 404, rather than left to their owner. */
  readonly refuseForeign: boolean;
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
  proxyTrust,
  refuseForeign,
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

  const upgrades: Upgrades = {
    handle(request, socket, head) {
      const url = urlOf(request);
      const owned = url?.pathname.startsWith(`${prefix}/api/ws/`) ?? false;
      if (!owned && !refuseForeign) return false;
      // Until `ws` takes over, an error of the socket would have no listener.
      socket.on("error", () => socket.destroy());
      const examined = examine(request, url, proxyTrust.addressOf(request));
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
    const chosen = SUBPROTOCOLS.find((subprotocol) => subprotocol === webSocket.protocol);
    const transport = createWsTransport(webSocket, request.socket, proxyTrust.addressOf(request));
    return live.connect(transport, CODECS[chosen ?? DEFAULT_SUBPROTOCOL], newcomer);
  };

  return upgrades;
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
  going_away: gateRefusal("going_away"),
  overloaded: gateRefusal("overloaded"),
  too_many_connections: refusalOf(
    "too_many_connections",
    "There are too many connections from this address or of this user; close one first.",
    { "retry-after": "2" },
  ),
};

function gateRefusal(code: "going_away" | "overloaded"): Refusal {
  return refusalOf(code, GATE_WORDS[code], {
    "retry-after": String(Math.ceil(retryAfterMsOf(code) / 1_000)),
  });
}

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
