import type { Socket } from "node:net";
import { type RawData, WebSocket } from "ws";
import type { Transport, TransportEvents } from "./transport.js";

/**
 * The `WebSocket` of `ws` with a place for its events: listeners are functions shared by all sockets, so that a
 * connection costs no closures of its own.
 */
export class LiveSocket extends WebSocket {
  events: TransportEvents | null = null;
}

/** Written behind something to learn when that was taken. */
const NOTHING = Buffer.alloc(0);

/**
 * A transport over a WebSocket of `ws` and the socket that the upgrade handed over.
 *
 * Data frames are written to the socket here; reading, control frames and the closing handshake stay with `ws`. That
 * is sound because control frames of `ws` are written synchronously as long as it never compresses a message itself
 * (ours are compressed before they come here), and because only whole frames are written, so that a pong or a close
 * of `ws` always falls between two.
 */
export function createWsTransport(webSocket: WebSocket, socket: Socket, remoteAddress: string): Transport {
  return new WsTransport(webSocket, socket, remoteAddress);
}

class WsTransport implements Transport {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  /** The client's, also behind a proxy. */
  readonly remoteAddress: string;

  constructor(webSocket: WebSocket, socket: Socket, remoteAddress: string) {
    this.remoteAddress = remoteAddress;
    this.#webSocket = webSocket;
    this.#socket = socket;
    // Whatever goes wrong ends in `close`; an error without a listener would end the process.
    webSocket.on("error", ignore);
  }

  write(frames: Uint8Array, done: () => void): boolean {
    const socket = this.#socket;
    if (this.#webSocket.readyState !== WebSocket.OPEN || !socket.writable) return true;
    socket.write(frames);
    // The kernel took them within the call. A callback for each write would cost more than all the rest of it.
    if (socket.writableLength === 0) return true;
    socket.write(NOTHING, done);
    return false;
  }

  ping(): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.ping(undefined, false, ignore);
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  listen(events: TransportEvents): void {
    if (this.#webSocket instanceof LiveSocket) this.#webSocket.events = events;
    else foreignEvents.set(this.#webSocket, events);
    this.#webSocket.on("message", onMessage);
    this.#webSocket.on("ping", onControlFrame);
    this.#webSocket.on("pong", onControlFrame);
    this.#webSocket.on("close", onClose);
  }
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const bytes = asBytes(data);
  eventsOf(this)?.onMessage(isBinary ? bytes : bytes.toString("utf8"));
}

function onControlFrame(this: WebSocket): void {
  eventsOf(this)?.onControlFrame();
}

function onClose(this: WebSocket, code: number): void {
  eventsOf(this)?.onClose(code);
}

/** Of those that another server made. */
const foreignEvents = new WeakMap<WebSocket, TransportEvents>();

function eventsOf(webSocket: WebSocket): TransportEvents | null | undefined {
  return webSocket instanceof LiveSocket ? webSocket.events : foreignEvents.get(webSocket);
}

function ignore(): void {
  // See where it is used.
}

function asBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
