import { varText, varUint } from "./raw-update.js";

/** What an awareness update says of one client, written by hand. */
export function entry(client: number, clock: number, state: string): number[] {
  return [...varUint(client), ...varUint(clock), ...varText(state)];
}

export function states(...entries: readonly number[][]): Uint8Array {
  return Uint8Array.from([...varUint(entries.length), ...entries.flat()]);
}
