import type { AwarenessEntry } from "./awareness-reader.js";

/** An update of entries as they were read. */
export function awarenessUpdateOf(entries: readonly Pick<AwarenessEntry, "encoded">[]): Uint8Array {
  return Buffer.concat([varUint(entries.length), ...entries.map(({ encoded }) => encoded)]);
}

/**
 * Says of clients that they have gone, each under the last clock that was seen of it: taken by all who know it at
 * that clock, and overtaken by whatever the client itself says next.
 */
export function departureOf(clocks: ReadonlyMap<number, number>): Uint8Array {
  const entries = Array.from(clocks, ([client, clock]) => ({
    encoded: Buffer.concat([varUint(client), varUint(clock), GONE]),
  }));
  return awarenessUpdateOf(entries);
}

/** The length of a text and its bytes. */
const GONE = Buffer.from("\x04null");

/** Seven bits a byte, the lowest first. */
function varUint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
