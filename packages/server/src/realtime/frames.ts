import type { Codec, WireMessage } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import { isCompressing } from "./codecs.js";
import { deflateMessage } from "./compression.js";

const OPCODE_CONTINUATION = 0x0;
const OPCODE_TEXT = 0x1;
const OPCODE_BINARY = 0x2;
const FIN = 0x80;
/** Of the first frame of a compressed message (RFC 7692, section 7.2.1). */
const RSV1 = 0x40;

/**
 * A message as frames of a server (RFC 6455, section 5.2: unmasked), ready to be written to any number of sockets
 * and never changed after it was made. One chunk, or for a message above the write size several: fragments (section
 * 5.4) that must go out in order with nothing but control frames between them.
 */
export interface Framed {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
}

/** Whether the message in these frames is compressed. */
export function isDeflated({ chunks }: Framed): boolean {
  return ((chunks[0]?.[0] ?? 0) & RSV1) !== 0;
}

/** Encodes a message into its frames, once. */
export function frameMessage(codec: Codec, message: WireMessage): Framed {
  const encoded = codec.encode(message);
  if (isCompressing(codec)) {
    const deflated = deflateMessage(typeof encoded === "string" ? Buffer.from(encoded) : encoded);
    if (deflated !== null) return frameBytes(deflated, RSV1 | (codec.binary ? OPCODE_BINARY : OPCODE_TEXT));
  }
  return typeof encoded === "string" ? frameText(encoded) : frameBytes(encoded, OPCODE_BINARY);
}

function frameText(text: string): Framed {
  const length = Buffer.byteLength(text);
  if (length > SERVER_LIMITS.maxWriteBytes) return frameBytes(Buffer.from(text), OPCODE_TEXT);
  const header = headerBytes(length);
  const chunk = Buffer.allocUnsafe(header + length);
  writeHeader(chunk, FIN | OPCODE_TEXT, length);
  chunk.write(text, header, "utf8");
  return { chunks: [chunk], byteLength: chunk.byteLength };
}

function frameBytes(data: Uint8Array, opcode: number): Framed {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  let offset = 0;
  do {
    const part = data.subarray(offset, offset + SERVER_LIMITS.maxWriteBytes);
    const last = offset + part.byteLength === data.byteLength;
    const header = headerBytes(part.byteLength);
    const chunk = Buffer.allocUnsafe(header + part.byteLength);
    writeHeader(chunk, (last ? FIN : 0) | (offset === 0 ? opcode : OPCODE_CONTINUATION), part.byteLength);
    chunk.set(part, header);
    chunks.push(chunk);
    byteLength += chunk.byteLength;
    offset += part.byteLength;
  } while (offset < data.byteLength);
  return { chunks, byteLength };
}

function headerBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : 10;
}

function writeHeader(chunk: Buffer, first: number, length: number): void {
  chunk.writeUInt8(first, 0);
  if (length < 126) chunk.writeUInt8(length, 1);
  else if (length < 65_536) chunk.writeUInt16BE(length, chunk.writeUInt8(126, 1));
  else chunk.writeBigUInt64BE(BigInt(length), chunk.writeUInt8(127, 1));
}
