import { tooDeep } from "./codec.js";
import { ProtocolFailure } from "./failures.js";
import { WIRE_LIMITS } from "./limits.js";

/** A map or an array of which values are still to come. */
interface Open {
  readonly isMap: boolean;
  /** Of a map keys count too: an even number of them is left where a key is next. */
  left: number;
}

/** What a value is: where its bytes end, and how many values inside it follow them. */
interface Head {
  readonly end: number;
  readonly kind: "scalar" | "string" | "array" | "map";
  readonly countInside: number;
}

/**
 * Throws `bad_message` where the first value in the bytes is more than JSON and byte strings can say, is not whole, or
 * nests too deeply. Before anything is built from them: extension types can stand for cycles, regular expressions
 * and numbers without end, of which a few bytes cost whoever reads them everything.
 */
export function assertPlainMsgpack(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open: Open[] = [];
  let offset = 0;
  do {
    const head = headAt(view, offset);
    if (head.end > bytes.byteLength) throw broken("breaks off");
    offset = head.end;
    const around = open.at(-1);
    if (around !== undefined) {
      if (around.isMap && around.left % 2 === 0 && head.kind !== "string") {
        throw broken("has a map with a key that is no string");
      }
      around.left--;
    }
    if (head.kind === "array" || head.kind === "map") {
      if (open.length >= WIRE_LIMITS.maxNesting) throw tooDeep();
      // Each value inside takes a byte at least.
      if (head.countInside > bytes.byteLength - offset) throw broken("breaks off");
      open.push({ isMap: head.kind === "map", left: head.countInside });
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
}

function headAt(view: DataView, offset: number): Head {
  if (offset >= view.byteLength) throw broken("breaks off");
  const first = view.getUint8(offset);
  if (first < 0x80 || first >= 0xe0) return scalar(offset + 1);
  if (first < 0x90) return { end: offset + 1, kind: "map", countInside: 2 * (first & 0x0f) };
  if (first < 0xa0) return { end: offset + 1, kind: "array", countInside: first & 0x0f };
  if (first < 0xc0) return string(offset + 1 + (first & 0x1f));
  const fixed = FIXED_BYTES.get(first);
  if (fixed !== undefined) return scalar(offset + 1 + fixed);
  const lengthBytes = LENGTH_BYTES.get(first);
  if (lengthBytes === undefined) throw broken("has an extension type, or a byte that stands for nothing");
  const end = offset + 1 + lengthBytes;
  if (end > view.byteLength) throw broken("breaks off");
  const length = lengthAt(view, offset + 1, lengthBytes);
  if (first <= 0xc6) return scalar(end + length);
  if (first <= 0xdb) return string(end + length);
  return first <= 0xdd
    ? { end, kind: "array", countInside: length }
    : { end, kind: "map", countInside: 2 * length };
}

/** nil, false, true, floats and integers: bytes behind the first. */
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

/** Byte strings, texts, arrays and maps: bytes of the length behind the first. */
const LENGTH_BYTES: ReadonlyMap<number, 1 | 2 | 4> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);

function lengthAt(view: DataView, offset: number, lengthBytes: 1 | 2 | 4): number {
  if (lengthBytes === 1) return view.getUint8(offset);
  return lengthBytes === 2 ? view.getUint16(offset) : view.getUint32(offset);
}

function scalar(end: number): Head {
  return { end, kind: "scalar", countInside: 0 };
}

function string(end: number): Head {
  return { end, kind: "string", countInside: 0 };
}

function broken(how: string): ProtocolFailure {
  return new ProtocolFailure("bad_message", `The frame is no plain MessagePack: it ${how}.`);
}
