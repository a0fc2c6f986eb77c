import type { Piece } from "./transport.js";

const OPCODE_CONTINUATION = 0x0;
const OPCODE_TEXT = 0x1;
const OPCODE_BINARY = 0x2;
const FIN = 0x80;

/**
 * Pieces as frames of a server (RFC 6455, section 5.2: unmasked), all in one buffer, so that they are one write.
 * A message of several pieces becomes fragments (section 5.4), between which control frames may pass.
 */
export function encodeFrames(pieces: readonly Piece[]): Buffer {
  let total = 0;
  for (const { data } of pieces) total += headerBytes(data.byteLength) + data.byteLength;
  const buffer = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const piece of pieces) {
    offset = writeHeader(buffer, offset, piece);
    buffer.set(piece.data, offset);
    offset += piece.data.byteLength;
  }
  return buffer;
}

function headerBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, offset: number, { data, binary, first, last }: Piece): number {
  const opcode = first ? (binary ? OPCODE_BINARY : OPCODE_TEXT) : OPCODE_CONTINUATION;
  const at = buffer.writeUInt8((last ? FIN : 0) | opcode, offset);
  const length = data.byteLength;
  if (length < 126) return buffer.writeUInt8(length, at);
  if (length < 65_536) return buffer.writeUInt16BE(length, buffer.writeUInt8(126, at));
  return buffer.writeBigUInt64BE(BigInt(length), buffer.writeUInt8(127, at));
}
