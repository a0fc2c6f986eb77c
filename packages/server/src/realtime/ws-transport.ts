import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { encodeFrames } from "./frames.js";
import type { Transport } from "./transport.js";

/**
 * A transport over a WebSocket of `ws` and the socket that the upgrade handed over.
 *
 * Data frames are written to the socket here, as one buffer per tick; reading, control frames and the closing
 * handshake stay with `ws`. That is sound because deflate is off (frames of `ws` are written synchronously) and
 * because only whole frames are written, so that a pong or a close of `ws` always falls between two.
 */
export function createWsTransport(webSocket: WebSocket, socket: Socket): Transport {
  const isOpen = () => webSocket.readyState === webSocket.OPEN;
  // Whatever goes wrong ends in `close`; an error without a listener would end the process.
  webSocket.on("error", ignore);

  return {
    remoteAddress: socket.remoteAddress ?? "",
    write(pieces, done) {
      if (!isOpen() || !socket.writable) {
        queueMicrotask(done);
        return;
      }
      socket.write(encodeFrames(pieces), done);
    },
    ping() {
      if (isOpen()) webSocket.ping(undefined, false, ignore);
    },
    close: (code, reason) => webSocket.close(code, reason),
    terminate: () => webSocket.terminate(),
    listen(events) {
      webSocket.on("message", (data, isBinary) => {
        const bytes = asBytes(data);
        events.onMessage(isBinary ? bytes : bytes.toString("utf8"));
      });
      webSocket.on("ping", events.onAlive);
      webSocket.on("pong", events.onAlive);
      webSocket.on("close", events.onClose);
    },
  };
}

function ignore(): void {
  // See where it is used.
}

function asBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
