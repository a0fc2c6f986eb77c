import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Server as HttpsServer } from "node:https";
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
import type { Identity } from "../auth/authenticator.js";
import { SERVER_LIMITS } from "../limits.js";
import { INTAKE_WORDS, retryAfterMsOf } from "../live/intake.js";
import { closeCodeOf } from "../live/proof.js";
import type { Live } from "../live.js";
import type { Newcomer } from "../live-options.js";
import { CODECS, COMPRESSING_CODECS } from "../realtime/codecs.js";
import { DEFLATE_OPTIONS, offersDeflate } from "../realtime/compression.js";
import type { Connection } from "../realtime/connection.js";
import { increment } from "../realtime/counters.js";
import { failureOf } from "../realtime/refusals.js";
import { createWsTransport, LiveSocket } from "../realtime/ws-transport.js";
import { BLOCKED } from "./admin-gate.js";
import { ADMIN_PATH, type AdminDoor, admitAdmin } from "./admin-upgrade.js";
import { problemResponse } from "./broken-requests.js";
import type { ProxyTrust } from "./client-address.js";
import { credentialOf, newcomerOf, offeredProtocols, placeOf, strangerOf, urlOf } from "./newcomers.js";
import { isOriginAllowed } from "./origin.js";

// An object of its own, because `closeTimeout` is younger than its types.
const WS_OPTIONS = {
  noServer: true,
  WebSocket: LiveSocket,
  clientTracking: false,
  maxPayload: WIRE_LIMITS.maxMessageBytes,
  maxFragments: WIRE_LIMITS.maxFragmentsPerMessage,
  maxBufferedChunks: WIRE_LIMITS.maxBufferedChunks,
  closeTimeout: SERVER_LIMITS.closeTimeoutMs,
  // Above the burst that we bear: whoever floods is told so. Answers that cannot leave end the connection here.
  maxPendingAutoPongs: SERVER_LIMITS.controlFrameBurstCount + 1,
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
  /** Whether connections may be compressed, where the client offers it. */
  readonly compression: boolean;
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

/** What became of the credential that came with an upgrade; neither where none did. */
interface Proven {
  readonly identity?: Identity;
  readonly failure?: FailureCode;
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
  proxyTrust,
  refuseForeign,
  compression,
  admin: door,
}: UpgradeOptions): Upgrades {
  const plain = new WebSocketServer({ ...WS_OPTIONS, perMessageDeflate: false });
  const compressing = new WebSocketServer({ ...WS_OPTIONS, perMessageDeflate: DEFLATE_OPTIONS });
  let provingCount = 0;

  const examine = (request: IncomingMessage, url: URL | null, address: string): Newcomer | Refusal => {
    const place = url === null ? null : placeOf(url.pathname.slice(prefix.length));
    if (url === null || place === null) return NOT_FOUND;
    if (place.roomId !== undefined && !live.features.includes("rooms")) return NO_ROOMS;
    if (!isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins)) return FOREIGN_ORIGIN;
    const offered = offeredProtocols(request);
    if (negotiateSubprotocol(offered).accepted === null) return UNKNOWN_SUBPROTOCOL;
    const newcomer = live.authentication.isOpen ? newcomerOf(url) : strangerOf(url);
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
    if (live.intake.refusal === "going_away") return REFUSALS.going_away;
    return admin.endpoint.isFull ? REFUSALS.too_many_connections : entry;
  };
  const upgradeAdmin = async ({ request, socket, head }: Upgrade, url: URL, admin: AdminDoor) => {
    const address = proxyTrust.addressOf(request);
    const examined = await examineAdmin(request, url, address, admin).catch((error: unknown) => {
      const { code, message } = failureOf(error);
      return refusalOf(code, message);
    });
    if ("status" in examined) return refuse(socket, examined);
    plain.handleUpgrade(request, socket, head, (webSocket) =>
      admin.endpoint.connect(
        createWsTransport(webSocket, request.socket, address),
        codecOf(webSocket),
        examined,
      ),
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
      const examined = examine(request, url, proxyTrust.addressOf(request));
      if ("status" in examined) {
        refuse(socket, examined);
        return true;
      }
      const server = compression && offersDeflate(request) ? compressing : plain;
      const credential = live.authentication.isOpen ? null : credentialOf(request, url);
      const upgrade = (proven: Proven) =>
        server.handleUpgrade(request, socket, head, (webSocket) =>
          admitProven(webSocket, request, examined, proven),
        );
      if (credential === null) upgrade({});
      else if (credential.kind === "ticket") upgrade(redeem(credential.ticket));
      else proveFirst(credential.token, request, socket, upgrade);
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
      const isModern = webSocket.protocol !== "";
      const url = newcomer === undefined ? urlOf(request) : null;
      if (url !== null && !live.authentication.isOpen) {
        const credential = credentialOf(request, url);
        const stranger = { isModern, ...strangerOf(url) };
        if (credential?.kind === "ticket") {
          return admitProven(webSocket, request, stranger, redeem(credential.ticket));
        }
        const brought = credential === null ? {} : { token: credential.token };
        return admit(webSocket, request, { ...stranger, ...brought });
      }
      const read = url === null ? (newcomer ?? {}) : newcomerOf(url);
      if (read !== null) return admit(webSocket, request, { isModern, ...read });
      webSocket.close(1008, closeReason("bad_request"));
      return null;
    },
  };

  /** Before the upgrade, so that `connection_ack` can tell who it is. */
  const proveFirst = (
    token: string,
    request: IncomingMessage,
    socket: Duplex,
    upgrade: (proven: Proven) => void,
  ): void => {
    if (provingCount >= SERVER_LIMITS.verifiedUpgradesCount) {
      refuse(socket, REFUSALS.unavailable);
      return;
    }
    provingCount++;
    const remoteAddress = proxyTrust.addressOf(request);
    const proving = live.authentication.prove(token, { remoteAddress });
    void proving
      .then(
        (identity): Proven => ({ identity }),
        (error: unknown): Proven => ({ failure: failureOf(error).code }),
      )
      .then((proven) => {
        provingCount--;
        // Others may have come meanwhile.
        const refusal = live.refusalOf(remoteAddress, undefined);
        if (refusal !== null) refuse(socket, REFUSALS[refusal]);
        else if (!socket.destroyed) upgrade(proven);
      });
  };

  const redeem = (ticket: string): Proven => {
    try {
      return { identity: live.authentication.tickets.redeem(ticket) };
    } catch (error) {
      return { failure: failureOf(error).code };
    }
  };

  /** A browser cannot read why an upgrade failed: who has proven nothing is told by a close. */
  const admitProven = (
    webSocket: WebSocket,
    request: IncomingMessage,
    newcomer: Newcomer,
    { identity, failure }: Proven,
  ): Connection | null => {
    if (failure === undefined) {
      return admit(webSocket, request, identity === undefined ? newcomer : { ...newcomer, identity });
    }
    increment(live.counters.disconnectsByCode, failure);
    createWsTransport(webSocket, request.socket, proxyTrust.addressOf(request)).close(
      closeCodeOf(failure),
      closeReason(failure),
    );
    return null;
  };

  const admit = (webSocket: WebSocket, request: IncomingMessage, newcomer: Newcomer): Connection | null => {
    const transport = createWsTransport(webSocket, request.socket, proxyTrust.addressOf(request));
    return live.connect(transport, codecOf(webSocket), newcomer);
  };

  return upgrades;
}

function codecOf({ protocol, extensions }: WebSocket): Codec {
  const codecs = extensions === "" ? CODECS : COMPRESSING_CODECS;
  return codecs[SUBPROTOCOLS.find((subprotocol) => subprotocol === protocol) ?? DEFAULT_SUBPROTOCOL];
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
  going_away: intakeRefusal("going_away"),
  overloaded: intakeRefusal("overloaded"),
  too_many_connections: refusalOf(
    "too_many_connections",
    "There are too many connections from this address or of this user; close one first.",
    { "retry-after": "2" },
  ),
  unavailable: refusalOf("unavailable", "Too many tokens are being verified; try again.", {
    "retry-after": "2",
  }),
};

function intakeRefusal(code: "going_away" | "overloaded"): Refusal {
  return refusalOf(code, INTAKE_WORDS[code], {
    "retry-after": String(Math.ceil(retryAfterMsOf(code) / 1_000)),
  });
}

function refusalOf(code: FailureCode, detail: string, headers: Refusal["headers"] = {}): Refusal {
  return { status: FAILURES[code].http, code, detail, headers };
}

function refuse(socket: Duplex, { status, code, detail, headers }: Refusal): void {
  // Whoever does not hang up keeps no half of a connection.
  socket.end(problemResponse(status, code, detail, headers), () => socket.destroy());
}
