import { once } from "node:events";
import { connect, type Socket } from "node:net";

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type FrameKind = keyof typeof OPCODES;

/** What a frame of a client says of itself; by default it is whole, masked and has no reserved bit. */
export interface FrameShape {
  readonly fin?: boolean;
  /** RSV1 to RSV3 as the number that they are together: 4, 2 and 1. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** In the place of that of its kind. */
  readonly opcode?: number;
  /** In the place of that of its data. */
  readonly length?: bigint;
}

/** A WebSocket without a library: the upgrade is done, and nothing is read until somebody does. */
export async function openRawSocket(url: string): Promise<Socket> {
  const socket = connectRaw(url);
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(`No upgrade: ${answer}`);
  return socket;
}

/** Asks for the upgrade. */
export function connectRaw(url: string, headers: Readonly<Record<string, string>> = {}): Socket {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => socket.destroy());
  const lines = Object.entries({
    Host: `${hostname}:${port}`,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return socket;
}

/** A frame of a client (RFC 6455, section 5.2) with a mask of zeros. */
export function clientFrame(
  kind: FrameKind,
  data: string | Uint8Array = "",
  { fin = true, reserved = 0, masked = true, opcode = OPCODES[kind], length }: FrameShape = {},
): Buffer {
  const bytes = Buffer.from(data);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = lengthField(length ?? BigInt(bytes.byteLength));
  if (masked) head[0] = (head[0] ?? 0) | 0x80;
  return Buffer.concat([Buffer.of(first), head, Buffer.alloc(masked ? 4 : 0), bytes]);
}

/** A close frame with a code and a reason. */
export function closeFrame(code: number, reason: string | Uint8Array = ""): Buffer {
  return clientFrame("close", Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]));
}

function lengthField(length: bigint): Buffer {
  if (length < 126n) return Buffer.of(Number(length));
  const field = length < 65_536n ? Buffer.alloc(3, 126) : Buffer.alloc(9, 127);
  if (length < 65_536n) field.writeUInt16BE(Number(length), 1);
  else field.writeBigUInt64BE(length, 1);
  return field;
}
