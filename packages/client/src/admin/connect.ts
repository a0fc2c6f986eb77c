import type { ServerMessage } from "@sparql-live/protocol";
import { type Connection, createConnection } from "../connection/connection.js";
import { pageSignals } from "../connection/signals.js";
import type { CloseInfo } from "../connection/state.js";
import { CLIENT_LIMITS } from "../limits.js";
import { socketAddressOf } from "../options.js";
import { findWebSocket, openSocket } from "../socket.js";
import { ADMIN_CLIENT_LIMITS } from "./limits.js";
import type { AdminClientOptions, Credential } from "./options.js";
import { withCredential } from "./socket.js";
import { type AdminMessage, adminCodec } from "./wire.js";

interface ConnectEvents {
  /** Actions may be sent. */
  readonly onReady: () => void;
  readonly onMessage: (message: AdminMessage) => void;
  readonly onLost: () => void;
  /** `isRefused`: no socket was let in with what was shown. */
  readonly onEnded: (close: CloseInfo, isRefused: boolean) => void;
}

const TOKEN_REFUSED = 4401;

/** Sockets to the endpoint, one after another. Throws a `TypeError` where the address is none. */
export function createAdminConnection(
  options: AdminClientOptions,
  credential: Credential,
  { onReady, onMessage, onLost, onEnded }: ConnectEvents,
): Connection {
  const address = socketAddressOf(options.url).href;
  const intervalMs = options.heartbeatInterval ?? ADMIN_CLIENT_LIMITS.heartbeatIntervalMs;
  /** A socket was let in, and what it had shown was not refused since. */
  let isAdmitted = false;

  const shown = async () => {
    const asked = connection.state.getSnapshot();
    try {
      return await (typeof credential === "function" ? credential() : credential);
    } catch (error) {
      // It may be had later. Where it took too long, another try is under way already.
      if (connection.state.getSnapshot() === asked) connection.lose({ code: 1006, reason: "no_token" });
      throw error;
    }
  };

  const connection = createConnection({
    codec: adminCodec,
    async prepare() {
      const [found, proof] = await Promise.all([findWebSocket(options.WebSocket), shown()]);
      const WebSocketClass = withCredential(found, proof);
      return (events) =>
        openSocket(WebSocketClass, address, [adminCodec.subprotocol], {
          ...events,
          // The endpoint says nothing by itself.
          onOpen() {
            events.onOpen();
            isAdmitted = true;
            connection.ready(intervalMs);
            if (connection.state.getSnapshot().kind === "open") onReady();
          },
        });
    },
    policy: {
      ...options,
      // A handshake that is refused looks like a server that is not there, and wrong keys are counted.
      get reconnectAttempts() {
        const { reconnectAttempts = Number.POSITIVE_INFINITY } = options;
        return isAdmitted
          ? reconnectAttempts
          : Math.min(reconnectAttempts, ADMIN_CLIENT_LIMITS.retriesOfRefusedCount);
      },
    },
    heartbeatTimeoutMs: options.heartbeatTimeout ?? CLIENT_LIMITS.heartbeatTimeoutMs,
    connectTimeoutMs: options.connectTimeout ?? CLIENT_LIMITS.connectTimeoutMs,
    signals: options.signals ?? pageSignals(),
    canRenewToken: typeof credential === "function",
    onMessage(message: ServerMessage) {
      if (message.type === "ping" || message.type === "heartbeat") {
        const framing = message.message_id === undefined ? {} : { correlation_id: message.message_id };
        connection.send({ type: "pong", ...framing, payload: {} });
      } else if (message.type === "server_draining") connection.draining(message.payload.retry_after_ms);
      // The rest is of the endpoint's own: answers and metrics.
      else onMessage(message as unknown as AdminMessage);
    },
    onLost,
    onFault: () => undefined,
    onEnded: (close) => onEnded(close, !isAdmitted),
  });
  connection.state.subscribe(() => {
    const state = connection.state.getSnapshot();
    if (state.kind === "reconnecting" && state.close.code === TOKEN_REFUSED) isAdmitted = false;
  });
  return connection;
}
