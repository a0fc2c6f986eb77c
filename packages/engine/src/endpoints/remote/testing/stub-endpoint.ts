import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface StubEndpoint {
  /** `http://127.0.0.1:port/sparql` */
  readonly url: string;
  readonly origin: string;
  /** Requests in the order in which they came, with their bodies. */
  readonly requests: StubRequest[];
  /** `connection` for every connection, `request` for every request. */
  readonly events: EventEmitter;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A server on loopback that answers as its handler says, once the request's body is there. Port 0: a free one. */
export async function startStub(
  answer: (request: StubRequest, response: ServerResponse) => void,
  { host = "127.0.0.1", port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<StubEndpoint> {
  const requests: StubRequest[] = [];
  const sockets = new Set<Socket>();
  const events = new EventEmitter();
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { method = "", url = "", headers } = request;
      const stubRequest = { method, path: url, headers, body };
      requests.push(stubRequest);
      answer(stubRequest, response);
      events.emit("request");
    });
  };
  const server = createServer(listener);
  server.on("connection", (socket) => {
    sockets.add(socket);
    events.emit("connection");
    // A client that goes away in the middle is what these tests are about.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, "listening");
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/sparql`,
    origin,
    requests,
    events,
    sockets,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.all([...sockets].map(whenClosed));
    },
  };
}

export const RESULTS_JSON = "application/sparql-results+json";

/** Answers 200 with a body of the given type. */
export function send(response: ServerResponse, body: string | Uint8Array, type = RESULTS_JSON): void {
  response.writeHead(200, { "content-type": type });
  response.end(body);
}

/** Unlike `once`, not rejected by the error with which a connection often ends. */
export function whenClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}
