import { createByteReader } from "./byte-reader.js";
import { DOCUMENT_LIMITS } from "./limits.js";
import { parseJson } from "./plain-values.js";
import { refuse } from "./refusal.js";

/** What an awareness update says of one client of Yjs. */
export interface AwarenessEntry {
  readonly client: number;
  /** Others pass over an entry whose clock is lower than one that they saw. */
  readonly clock: number;
  /** `false` where the client says that it has gone. */
  readonly isPresent: boolean;
  /** As it stands in the update. */
  readonly encoded: Uint8Array;
}

/**
 * Checks an awareness update of y-protocols: a count, and for each client its id, a clock and its state, which is
 * an object in JSON, or `null` when it has gone. It is only relayed, never applied. Throws `bad_document_update`.
 */
export function readAwarenessUpdate(update: Uint8Array): AwarenessEntry[] {
  if (update.byteLength > DOCUMENT_LIMITS.maxAwarenessBytes) {
    refuse(`An awareness update may have ${DOCUMENT_LIMITS.maxAwarenessBytes} bytes.`);
  }
  const reader = createByteReader(update);
  const count = reader.varUint();
  if (count > DOCUMENT_LIMITS.maxAwarenessStates) {
    refuse(`An awareness update may tell of ${DOCUMENT_LIMITS.maxAwarenessStates} clients.`);
  }
  const entries: AwarenessEntry[] = [];
  while (entries.length < count) {
    const start = update.byteLength - reader.remainingBytes;
    const client = reader.varUint();
    const clock = reader.varUint();
    if (clock > DOCUMENT_LIMITS.maxClock) refuse("A clock is beyond its bound.");
    const state = parseJson(reader.text());
    if (typeof state !== "object" || Array.isArray(state)) refuse("The state of a client is no object.");
    const encoded = update.subarray(start, update.byteLength - reader.remainingBytes);
    entries.push({ client, clock, isPresent: state !== null, encoded });
  }
  if (reader.remainingBytes > 0) refuse("Something follows the end of the update.");
  return entries;
}
