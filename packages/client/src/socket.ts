import { SparqlLiveError } from "./errors.js";

/** As much of a WebSocket as is used: that of browsers, of Node 22 and of `ws` fit. */
export interface SocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: object) => void): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onFrame: (frame: string | Uint8Array) => void;
  /** `cause`: what `ws` says; browsers do not tell. */
  readonly onClose: (code: number, reason: string, cause: unknown) => void;
}

export interface Socket {
  send(frame: string | Uint8Array): void;
  /** Says good-bye. Nothing of it is told any more. */
  close(code: number): void;
  /** Lets go of a peer that may not answer. Nothing of it is told any more. */
  drop(): void;
}

/** A WebSocket of the platform, else of `ws`. Rejects with `no_websocket`. */
export async function findWebSocket(given: SocketConstructor | undefined): Promise<SocketConstructor> {
  if (given !== undefined) return given;
  if (typeof WebSocket === "function") return WebSocket;
  // Not written out, so that bundlers for browsers do not look for it.
  const name = "ws";
  try {
    const found: { WebSocket: SocketConstructor } = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ name
    );
    return found.WebSocket;
  } catch (cause) {
    const message = "There is no WebSocket here: install `ws`, or pass one as the option `WebSocket`.";
    throw new SparqlLiveError("no_websocket", message, { cause });
  }
}

/** Throws a `SyntaxError` where the address is none. */
export function openSocket(
  WebSocketClass: SocketConstructor,
  url: string,
  protocols: string[],
  events: SocketEvents,
): Socket {
  const socket = new WebSocketClass(url, protocols);
  let isOurs = true;
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    if (isOurs) events.onOpen();
  });
  socket.addEventListener("message", (event) => {
    const data = "data" in event ? event.data : undefined;
    if (!isOurs) return;
    if (typeof data === "string") events.onFrame(data);
    else if (data instanceof ArrayBuffer) events.onFrame(new Uint8Array(data));
  });
  let cause: unknown;
  // A close follows.
  socket.addEventListener("error", (event) => {
    if ("error" in event) cause = event.error;
  });
  socket.addEventListener("close", (event) => {
    if (!isOurs) return;
    isOurs = false;
    const code = "code" in event && typeof event.code === "number" ? event.code : 1006;
    events.onClose(code, "reason" in event ? String(event.reason) : "", cause);
  });
  return {
    // What we encode lies in memory of its own.
    send: (frame) => socket.send(frame as string | Uint8Array<ArrayBuffer>),
    close(code) {
      isOurs = false;
      socket.close(code);
    },
    drop() {
      isOurs = false;
      // `ws` can end the connection at once; browsers wait for the peer for as long as they like.
      if ("terminate" in socket && typeof socket.terminate === "function") socket.terminate();
      else socket.close();
    },
  };
}
