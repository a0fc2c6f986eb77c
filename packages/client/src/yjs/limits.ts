/** Bounds of what goes between a `Y.Doc` and its room. Times in milliseconds. */
export const YJS_LIMITS = {
  /** Between the starts of two updates: ten a second. */
  updateIntervalMs: 100,
  /** Five a second. With the updates they stay below the rate that a server allows (20). */
  awarenessIntervalMs: 200,
  /** Of an update in one message: in base64, and sealed, below what a server takes (128 KiB). */
  partBytes: 64 * 1024,
  /** Edits that wait are merged into one when there are so many. */
  waitingUpdatesCount: 100,
  /** Of the whole document, before it is asked for again. */
  answerTimeoutMs: 10_000,
  /** Between tries of what was refused. */
  refusedRetryMs: 5_000,
  /** For what is full to get space again. */
  fullRetryMs: 1_000,
  /** Of broken updates in a row: the server ends the connection at five. */
  brokenUpdatesCount: 3,
  /** For what was written last, before the room is left. */
  lastUpdatesMs: 5_000,
  /** Sealed, as the server takes it. */
  snapshotBytes: 384 * 1024,
} as const;
