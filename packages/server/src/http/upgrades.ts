import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Codec,
  jsonCodec,
  negotiateSubprotocol,
  type Subprotocol,
  WIRE_LIMITS,
} from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { WebSocketServer } from "ws";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import { createWsTransport } from "../realtime/ws-transport.js";
import { isOriginAllowed } from "./origin.js";
import { PROBLEM_TYPE, problem } from "./problem.js";

const CODECS: Readonly<Record<Subprotocol, Codec>> = {
  "sparql-live.v1.json": jsonCodec,
  "sparql-live.v1.msgpack": msgpackCodec,
};

// An object of its own, because `closeTimeout` is younger than its types.
const WS_OPTIONS = {
  noServer: true,
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
  /** Where the application is mounted, without a slash at the end. */
  readonly prefix: string;
  readonly allowedOrigins: readonly string[];
  /** Whether upgrades of foreign paths are answered with 404, rather than left to their owner. */
  readonly refuseForeign: boolean;
}

interface Upgrades {
  /** To be hung on the `upgrade` event of the HTTP server. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Answers WebSocket upgrades under `/api/ws/`. What must be refused is refused by HTTP, before the upgrade. */
export function createUpgrades(options: UpgradeOptions): Upgrades {
  const { live, prefix, allowedOrigins, refuseForeign } = options;
  const server = new WebSocketServer(WS_OPTIONS);

  return {
    handle(request, socket, head) {
      const url = parseUrl(request.url);
      const owned = url?.pathname.startsWith(`${prefix}/api/ws/`) ?? false;
      if (!owned && !refuseForeign) return;
      // Until `ws` takes over, an error of the socket would have no listener.
      socket.on("error", () => socket.destroy());
      if (url?.pathname !== `${prefix}/api/ws/query`) {
        refuse(socket, 404, "not_found", "There is no WebSocket here; it is at /api/ws/query.");
        return;
      }
      if (live.isDraining) {
        refuse(socket, 503, "going_away", "The server is shutting down.", { "retry-after": "2" });
        return;
      }
      if (!isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins)) {
        refuse(
          socket,
          403,
          "origin_forbidden",
          "Pages of this origin may not connect (see allowed-origins).",
        );
        return;
      }
      const accepted = negotiateSubprotocol(offeredProtocols(request)).accepted;
      if (accepted === null) {
        refuse(
          socket,
          400,
          "unknown_subprotocol",
          `Offer one of ${Object.keys(CODECS).join(", ")}, or none.`,
        );
        return;
      }
      const user = userOf(url);
      if (user === null) {
        const most = WIRE_LIMITS.maxIdCharacters;
        refuse(socket, 400, "bad_request", `user_id and user_name have at most ${most} characters.`);
        return;
      }
      server.handleUpgrade(request, socket, head, (webSocket) => {
        // A server's upgrade hands over its TCP (or TLS) socket; the type is wider for the sake of tunnels.
        live.connect(createWsTransport(webSocket, socket as Socket), CODECS[accepted], user);
      });
    },
  };
}

function parseUrl(target: string | undefined): URL | null {
  try {
    return new URL(target ?? "/", "http://localhost");
  } catch {
    return null;
  }
}

function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers["sec-websocket-protocol"];
  return header === undefined ? [] : header.split(",").map((name) => name.trim());
}

function userOf(url: URL): { id?: string; name?: string } | null {
  const id = url.searchParams.get("user_id") ?? "";
  const name = url.searchParams.get("user_name") ?? "";
  if (Math.max(id.length, name.length) > WIRE_LIMITS.maxIdCharacters) return null;
  return { ...(id === "" ? {} : { id }), ...(name === "" ? {} : { name }) };
}

function refuse(
  socket: Duplex,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(problem(status, code, detail));
  const lines = Object.entries({
    connection: "close",
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
}
