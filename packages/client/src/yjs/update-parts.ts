import * as Y from "yjs";

type Struct = Y.Item | Y.GC;

/** A struct in the first format of Yjs. */
interface Piece {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** What one client wrote, without a hole. */
interface Run {
  readonly clock: number;
  endClock: number;
  readonly pieces: Uint8Array[];
}

/** Of the head of a run, at most: how many structs, the client, the first clock. */
const HEAD_BYTES = 24;
/** Of a deletion, at most: its client too, where it is the first of one. */
const DELETION_BYTES = 24;

/**
 * Cuts an update (version 1) into updates of at most `maxBytes`, each of which needs those before it alone: long texts
 * are cut in two, and two again. Only a single element that is larger stays so.
 */
export function cutUpdate(update: Uint8Array, maxBytes: number): readonly Uint8Array[] {
  if (update.byteLength <= maxBytes) return [update];
  const { structs, ds } = Y.decodeUpdate(update);
  const pieces = inOrder(structs.filter(isWritten)).flatMap((struct) =>
    piecesOf(struct, maxBytes - 2 * HEAD_BYTES),
  );
  return [...partsOfPieces(pieces, maxBytes), ...partsOfDeletions(ds.clients, maxBytes)];
}

function isWritten(struct: Struct | Y.Skip): struct is Struct {
  return !(struct instanceof Y.Skip);
}

/** Each behind what it refers to, and those of a client in their order. */
function inOrder(structs: readonly Struct[]): readonly Struct[] {
  const queues = new Map<number, Struct[]>();
  for (const struct of structs) {
    const queue = queues.get(struct.id.client);
    if (queue === undefined) queues.set(struct.id.client, [struct]);
    else queue.push(struct);
  }
  const taken = new Map<number, number>();
  const frontOf = (client: number) => queues.get(client)?.[taken.get(client) ?? 0];
  const isThere = (id: unknown) => {
    if (!(id instanceof Y.ID)) return true;
    const front = frontOf(id.client);
    return front === undefined || id.clock < front.id.clock;
  };
  const isReady = (struct: Struct) =>
    !(struct instanceof Y.Item) || [struct.origin, struct.rightOrigin, struct.parent].every(isThere);
  const ordered: Struct[] = [];
  for (let before = -1; before < ordered.length; ) {
    before = ordered.length;
    for (const client of queues.keys()) {
      for (let front = frontOf(client); front !== undefined && isReady(front); front = frontOf(client)) {
        ordered.push(front);
        taken.set(client, (taken.get(client) ?? 0) + 1);
      }
    }
  }
  return ordered;
}

function piecesOf(struct: Struct, maxBytes: number): readonly Piece[] {
  const encoder = new Y.UpdateEncoderV1();
  struct.write(encoder, 0);
  const bytes = encoder.toUint8Array();
  const { id, length } = struct;
  const halves = bytes.byteLength <= maxBytes ? null : halvesOf(struct);
  if (halves !== null) return halves.flatMap((half) => piecesOf(half, maxBytes));
  return [{ client: id.client, clock: id.clock, length, bytes }];
}

/** Takes the struct apart. */
function halvesOf(struct: Struct): readonly [Y.Item, Y.Item] | null {
  if (!(struct instanceof Y.Item)) return null;
  const { id, content, parent, parentSub, origin, rightOrigin } = struct;
  let at = struct.length >> 1;
  // A character of two units stays whole.
  if (content instanceof Y.ContentString && isSecondUnit(content.str.charCodeAt(at))) at--;
  if (at <= 0) return null;
  const rest = content.splice(at);
  const restId = Y.createID(id.client, id.clock + at);
  const lastId = Y.createID(id.client, id.clock + at - 1);
  return [
    new Y.Item(id, null, origin, null, rightOrigin, parent, parentSub, content),
    new Y.Item(restId, null, lastId, null, rightOrigin, parent, parentSub, rest),
  ];
}

function isSecondUnit(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function partsOfPieces(pieces: readonly Piece[], maxBytes: number): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  let runs = new Map<number, Run>();
  let size = 0;
  const end = () => {
    if (runs.size > 0) parts.push(encodeRuns(runs));
    runs = new Map();
    size = 0;
  };
  for (const { client, clock, length, bytes } of pieces) {
    const run = runs.get(client);
    const isHole = run !== undefined && run.endClock !== clock;
    if (isHole || size + bytes.byteLength + HEAD_BYTES > maxBytes) end();
    const current = runs.get(client) ?? { clock, endClock: clock, pieces: [] };
    if (current.pieces.length === 0) size += HEAD_BYTES;
    runs.set(client, current);
    current.pieces.push(bytes);
    current.endClock = clock + length;
    size += bytes.byteLength;
  }
  end();
  return parts;
}

function encodeRuns(runs: ReadonlyMap<number, Run>): Uint8Array {
  // Yjs wants the highest client first where it merges updates.
  const ordered = [...runs].sort(([one], [other]) => other - one);
  const chunks = [varUints(ordered.length)];
  for (const [client, { clock, pieces }] of ordered) {
    chunks.push(varUints(pieces.length, client, clock), ...pieces);
  }
  return joined([...chunks, varUints(0)]);
}

function partsOfDeletions(
  clients: ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>,
  maxBytes: number,
): readonly Uint8Array[] {
  const maxCount = Math.max(1, Math.floor(maxBytes / DELETION_BYTES));
  const all = [...clients].flatMap(([client, ranges]) => ranges.map((range) => ({ client, ...range })));
  const parts: Uint8Array[] = [];
  for (let start = 0; start < all.length; start += maxCount) {
    const byClient = new Map<number, number[]>();
    for (const { client, clock, len } of all.slice(start, start + maxCount)) {
      const numbers = byClient.get(client) ?? [];
      byClient.set(client, numbers);
      numbers.push(clock, len);
    }
    const chunks = [...byClient].map(([client, numbers]) => varUints(client, numbers.length / 2, ...numbers));
    parts.push(joined([varUints(0, byClient.size), ...chunks]));
  }
  return parts;
}

/** Seven bits a byte, the lowest first, as Yjs writes numbers. */
function varUints(...values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = value;
    // Clients may be above 2^31: no operators on bits.
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128));
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
