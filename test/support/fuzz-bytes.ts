import { constants, deflateRawSync } from "node:zlib";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { hostile, mutated, validMessage } from "./fuzz-messages.js";
import type { Random } from "./random.js";
import { clientFrame, closeFrame, type FrameKind } from "./raw-socket.js";

const RSV1 = 4;
const MAX_DEPTH = 40;

/** How a connection speaks. */
export interface Dialect {
  readonly isBinary: boolean;
  readonly isCompressed: boolean;
}

/** A good message: whoever sends one now and then is not closed for its bad ones. */
export function goodFrame(dialect: Dialect): Buffer {
  return clientFrame(kindOf(dialect), encoded({ type: "ping" }, dialect.isBinary));
}

/** A message in well-formed frames: valid, with mutations in its structure or in its bytes, or no message at all. */
export function fuzzedMessage(dialect: Dialect, random: Random): Buffer {
  const payload = payloadOf(dialect, random);
  return framed(payload.subarray(0, 131_072), dialect, random);
}

/** What breaks the rules of frames; nothing behind it is read. */
export function brokenFrame(dialect: Dialect, random: Random): Buffer {
  const kind = random.pick<FrameKind>(["text", "binary", "continuation", "close", "ping", "pong"]) ?? "text";
  const data = randomBytes(random.below(150), random);
  switch (random.below(7)) {
    case 0:
      return randomBytes(1 + random.below(300), random);
    case 1:
      return clientFrame(kind, data, { reserved: random.below(8), opcode: random.below(16) });
    case 2:
      return clientFrame(kind, data, { masked: false });
    case 3:
      return clientFrame(kind, data, {
        length: BigInt(random.below(2 ** 31)) * 2n ** BigInt(random.below(33)),
      });
    case 4:
      return closeFrame(random.below(65_536), data.subarray(0, 123));
    case 5: {
      const whole = fuzzedMessage(dialect, random);
      return whole.subarray(0, random.below(whole.byteLength));
    }
    default:
      return flipped(fuzzedMessage(dialect, random), random);
  }
}

export function randomBytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** Some bytes of it changed, removed or doubled. */
export function flipped(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--)
    changed[random.below(changed.byteLength)] = random.below(256);
  if (random.chance(0.7)) return changed;
  const from = random.below(changed.byteLength);
  const to = from + random.below(20);
  const doubled = random.chance(0.5) ? changed.subarray(from, to) : Buffer.alloc(0);
  return Buffer.concat([
    changed.subarray(0, from),
    doubled,
    changed.subarray(random.chance(0.5) ? from : to),
  ]);
}

function kindOf({ isBinary }: Dialect): "binary" | "text" {
  return isBinary ? "binary" : "text";
}

function payloadOf({ isBinary }: Dialect, random: Random): Buffer {
  const message = validMessage(random);
  const what = random.below(10);
  if (what < 2) return encoded(message, isBinary);
  if (what < 7) return encoded(mutated(message, random), isBinary);
  if (what < 9) {
    const bytes = flipped(encoded(message, isBinary), random);
    // A text of other bytes would end the connection.
    return isBinary ? bytes : Buffer.from(bytes.toString("utf8"));
  }
  return isBinary ? looseMsgpack(random, 0) : Buffer.from(JSON.stringify(hostile(random)) ?? "");
}

function encoded(message: Record<string, unknown>, isBinary: boolean): Buffer {
  // Built here with a type, or fuzzed; the encoders take either.
  if (isBinary) return Buffer.from(msgpackCodec.encode(message as never));
  return Buffer.from(JSON.stringify(message));
}

/** Bytes of MessagePack that fit each other or not: every kind of value, extensions and lengths that are lies too. */
function looseMsgpack(random: Random, depth: number): Buffer {
  const lie = random.chance(0.1) ? random.below(2 ** 32) : null;
  const inner = (count: number) =>
    Array.from({ length: count }, () =>
      depth < MAX_DEPTH ? looseMsgpack(random, depth + 1) : Buffer.of(0xc0),
    );
  switch (random.below(8)) {
    case 0:
      return Buffer.of(random.below(256));
    case 1:
      return Buffer.concat([Buffer.of(0xc0 + random.below(32)), randomBytes(random.below(20), random)]);
    case 2:
      return Buffer.concat([Buffer.of(0xa0 | 4), randomBytes(4, random)]);
    case 3: {
      // An extension: references, sets, regular expressions, errors, big numbers, dates, and unknown ones.
      const type =
        random.pick([0x69, 0x70, 0x73, 0x78, 0x65, 0x42, 0x62, 0x74, 0xff, 0, random.below(256)]) ?? 0;
      return Buffer.concat([Buffer.of(0xd6, type), randomBytes(4, random), ...inner(1)]);
    }
    case 4:
    case 5:
      return Buffer.concat([uint32(0xdd, lie ?? 2), ...inner(2)]);
    default: {
      const key = msgpackString(random.pick(["type", "payload", "__proto__", "constructor"]) ?? "");
      return Buffer.concat([uint32(0xdf, lie ?? 1), key, ...inner(1)]);
    }
  }
}

function msgpackString(text: string): Buffer {
  return Buffer.concat([Buffer.of(0xa0 | text.length), Buffer.from(text)]);
}

function uint32(first: number, value: number): Buffer {
  const bytes = Buffer.of(first, 0, 0, 0, 0);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

/** In one frame or in several, compressed or not, now and then with a ping or a pong between. */
function framed(payload: Buffer, dialect: Dialect, random: Random): Buffer {
  const isDeflated = dialect.isCompressed && random.chance(0.5);
  const data = isDeflated
    ? deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, level: 1 }).subarray(0, -4)
    : payload;
  const reserved = isDeflated ? RSV1 : 0;
  if (random.chance(0.7)) return clientFrame(kindOf(dialect), data, { reserved });
  const cuts = Array.from({ length: 1 + random.below(4) }, () => random.below(data.byteLength + 1));
  const places = [0, ...cuts.toSorted((a, b) => a - b), data.byteLength];
  return Buffer.concat(
    places.slice(1).map((end, index) => {
      const part = data.subarray(places[index], end);
      const fin = index === places.length - 2;
      const frame = clientFrame(index === 0 ? kindOf(dialect) : "continuation", part, {
        fin,
        reserved: index === 0 ? reserved : 0,
      });
      const between = random.chance(0.1) ? clientFrame("pong", part.subarray(0, 125)) : Buffer.alloc(0);
      return Buffer.concat([frame, between]);
    }),
  );
}
