/** What a remembered run takes besides its JSON, about. */
const RECORD_BYTES = 100;

export function historyBytesOf(json: string): number {
  return RECORD_BYTES + Buffer.byteLength(json);
}
