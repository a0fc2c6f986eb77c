import { once } from "node:events";
import { connect, type Socket } from "node:net";

const OPCODES = { text: 1, close: 8, pong: 10 } as const;

/** A WebSocket without a library: the upgrade is done, and nothing is read until somebody does. */
export async function openRawSocket(url: string): Promise<Socket> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => socket.destroy());
  socket.write(
    [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
      "",
      "",
    ].join("\r\n"),
  );
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(`No upgrade: ${answer}`);
  return socket;
}

/** A frame of a client (RFC 6455, section 5.2) with a mask of zeros, of at most 125 bytes. */
export function clientFrame(kind: keyof typeof OPCODES, text = ""): Buffer {
  const data = Buffer.from(text);
  return Buffer.concat([Buffer.of(0x80 | OPCODES[kind], 0x80 | data.byteLength, 0, 0, 0, 0), data]);
}
