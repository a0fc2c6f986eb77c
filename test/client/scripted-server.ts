import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { jsonCodec, type ServerPayloads } from "@sparql-live/protocol";
import { parseClientMessage } from "@sparql-live/protocol/validate";
import { type WebSocket, WebSocketServer } from "ws";

/** Greets whoever comes, and does then what a test wants of it. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  /** When each connection came, by `performance.now()`. */
  readonly cameAtMs: readonly number[];
  /** What clients sent, of every connection in turn. */
  readonly said: readonly ReturnType<typeof parseClientMessage>[];
  /** Called for each connection behind its greeting; the first is 0. */
  onConnection: (socket: WebSocket, index: number) => void;
  greets: boolean;
  /** Ends every connection: with a close, or without a word. */
  dropAll(code?: number, reason?: string): void;
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: ([first]) => first ?? false,
  });
  await once(server, "listening");
  const cameAtMs: number[] = [];
  const said: ReturnType<typeof parseClientMessage>[] = [];
  const scripted: ScriptedServer = {
    // It listens on a port of TCP.
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/ws/query`,
    cameAtMs,
    said,
    onConnection: () => undefined,
    greets: true,
    dropAll(code, reason) {
      for (const socket of server.clients) {
        if (code === undefined) socket.terminate();
        else socket.close(code, reason);
      }
    },
    async close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, "close");
    },
    [Symbol.asyncDispose]: () => scripted.close(),
  };
  server.on("connection", (socket) => {
    const index = cameAtMs.push(performance.now()) - 1;
    socket.on("message", (data) => {
      const message = parseClientMessage(jsonCodec.decode(String(data)));
      said.push(message);
      if (message.type === "resume") tell(socket, "resumed", notResumed(index), message.message_id);
    });
    if (scripted.greets) tell(socket, "connection_ack", greeting(index));
    scripted.onConnection(socket, index);
  });
  return scripted;
}

export function tell<T extends keyof ServerPayloads>(
  socket: WebSocket,
  type: T,
  payload: ServerPayloads[T],
  correlationId?: string,
): void {
  const framing = { message_id: `${type}-${Math.random()}`, timestamp: Date.now() / 1_000 };
  const correlation = correlationId === undefined ? {} : { correlation_id: correlationId };
  socket.send(jsonCodec.encode({ type, ...framing, ...correlation, payload }));
}

function greeting(index: number): ServerPayloads["connection_ack"] {
  return {
    connection_id: `c${index}`,
    user_id: "ada",
    server_time: new Date().toISOString(),
    heartbeat_interval: 30,
    protocol: "sparql-live.v1.json",
    session: { resume_token: `t${index}`, resume_window: 120, broadcast: { epoch: "e", seq: 0 } },
    limits: {
      max_message_bytes: 131_072,
      max_rows: 10_000,
      max_timeout: 120,
      max_credit: 1_000_000,
      max_rooms: 100,
      rate_per_minute: 60,
    },
    features: [],
  };
}

function notResumed(index: number): ServerPayloads["resumed"] {
  return {
    connection_id: `c${index}`,
    user_id: "ada",
    session: false,
    resume_token: `r${index}`,
    rooms: {},
    runs: {},
  };
}
