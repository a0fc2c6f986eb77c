import { refuse } from "./refusal.js";

/** Reads what Yjs writes, and never beyond the end of the bytes given. */
export interface ByteReader {
  readonly remainingBytes: number;
  byte(): number;
  /** An unsigned integer of 53 bits at most, seven bits a byte, the lowest first. */
  varUint(): number;
  /** The same with a sign in the first byte; only passed over. */
  skipVarInt(): void;
  skip(bytes: number): void;
  /** A length and as many bytes of UTF-8. */
  text(): string;
}

/** 53 bits in sevens. More would be zeros, with which the readers of Yjs count up to `NaN`. */
const MAX_VAR_BYTES = 8;

export function createByteReader(bytes: Uint8Array): ByteReader {
  let offset = 0;

  const skip = (count: number) => {
    if (count > bytes.byteLength - offset) refuse("The update ends too early.");
    offset += count;
  };
  const byte = () => bytes[offset++] ?? refuse("The update ends too early.");

  const varUint = () => {
    let value = 0;
    let factor = 1;
    for (let read = 0; read < MAX_VAR_BYTES; read++) {
      const next = byte();
      value += (next & 0x7f) * factor;
      if (next < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : refuse("A number is too large.");
      factor *= 0x80;
    }
    return refuse("A number is too long.");
  };

  return {
    get remainingBytes() {
      return bytes.byteLength - offset;
    },
    byte,
    varUint,
    skipVarInt() {
      for (let read = 0; read < MAX_VAR_BYTES; read++) if (byte() < 0x80) return;
      refuse("A number is too long.");
    },
    skip,
    text() {
      const length = varUint();
      const start = offset;
      skip(length);
      try {
        return utf8.decode(bytes.subarray(start, offset));
      } catch {
        return refuse("A text is no UTF-8.");
      }
    },
  };
}

/** As that of Yjs: a byte order mark is a character like others. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
