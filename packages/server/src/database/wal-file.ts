/** See https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/**
 * Whether a write-ahead log was changed after it was written. SQLite reads such a log up to the first frame that is
 * wrong and takes the rest for an end that was never finished. An unfinished end is the last transaction; where a
 * later one follows (it was begun after the one before it was on disk), committed data would be left out.
 */
export function isDamagedWal(wal: Uint8Array): boolean {
  if (wal.byteLength <= HEADER_BYTES) return false;
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  const little = view.getUint32(0) === MAGIC;
  let sums: Sums = { first: 0, second: 0 };
  sums = add(sums, view, 0, 24, little);
  if ((!little && view.getUint32(0) !== MAGIC + 1) || !matches(sums, view, 24)) return true;

  const frameBytes = FRAME_HEADER_BYTES + view.getUint32(8);
  const hasSalts = (offset: number) =>
    view.getUint32(offset + 8) === view.getUint32(16) && view.getUint32(offset + 12) === view.getUint32(20);
  const isCommit = (offset: number) => view.getUint32(offset + 4) !== 0;
  const end = wal.byteLength - frameBytes;

  let offset = HEADER_BYTES;
  for (; offset <= end && hasSalts(offset); offset += frameBytes) {
    sums = add(sums, view, offset, offset + 8, little);
    sums = add(sums, view, offset + FRAME_HEADER_BYTES, offset + frameBytes, little);
    if (!matches(sums, view, offset + 16)) break;
  }
  // The wrong frame itself may have been a commit whose salts are changed.
  let afterCommit = offset <= end && isCommit(offset);
  for (offset += frameBytes; offset <= end; offset += frameBytes) {
    if (!hasSalts(offset)) continue;
    if (afterCommit) return true;
    afterCommit = isCommit(offset);
  }
  return false;
}

interface Sums {
  readonly first: number;
  readonly second: number;
}

function add({ first, second }: Sums, view: DataView, from: number, to: number, little: boolean): Sums {
  let s0 = first;
  let s1 = second;
  for (let offset = from; offset < to; offset += 8) {
    s0 = (s0 + view.getUint32(offset, little) + s1) >>> 0;
    s1 = (s1 + view.getUint32(offset + 4, little) + s0) >>> 0;
  }
  return { first: s0, second: s1 };
}

function matches({ first, second }: Sums, view: DataView, offset: number): boolean {
  return view.getUint32(offset) === first && view.getUint32(offset + 4) === second;
}
