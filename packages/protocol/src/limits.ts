/** Bounds of the wire. The server tells those that a client must know in `connection_ack.limits`. */
export const WIRE_LIMITS = {
  maxMessageBytes: 128 * 1024,
  maxFragmentsPerMessage: 256,
  maxBufferedChunks: 1_024,
  maxNesting: 32,
  maxBadMessagesInARow: 10,
  maxIdCharacters: 128,
  maxQuestionCharacters: 2_000,
  maxQueryCharacters: 100_000,
  /** What an old client gets that does not say how many rows it wants. */
  defaultRowLimit: 100,
  maxTimeoutSeconds: 120,
  /** Rows that a watcher may be sent before it grants more. */
  defaultCreditRows: 1_000,
  maxCreditRows: 1_000_000,
  /** Entries of a room's log that one `room_history` answers with. */
  maxHistoryCount: 1_000,
  /** Rooms, and runs, of which one `resume` says where they are. */
  maxPositionsCount: 200,
  /** Messages over which a sealed snapshot of a document may be spread. */
  maxSnapshotPartsCount: 16,
  defaultTermLimit: 10,
  maxTermLimit: 100,
} as const;
