/** Bounds of everything that waits or grows. Times in milliseconds. */
export const CLIENT_LIMITS = {
  /** From the first step towards a connection until it is ready for use. */
  connectTimeoutMs: 10_000,
  shortestRetryMs: 500,
  longestRetryMs: 20_000,
  /** A server that names a longer wait is taken to mean this. */
  longestHintMs: 600_000,
  /** A connection that lasted so long was a good one: tries are counted anew after it. */
  stableAfterMs: 5_000,
  /** How long after a ping of ours something must come. */
  heartbeatTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  /** Of a message or of a query, as the server takes it. */
  idCharacters: 128,
  pendingRequestsCount: 1_000,
  /** Runs that are followed at once; one `resume` names no more. */
  runsCount: 200,
  outboxMessagesCount: 1_000,
  outboxBytes: 4 * 1024 * 1024,
  /** How long the pages that kept messages may take to end, before a page goes on without theirs. */
  formerPageMs: 500,
  /** Entries of a room that came before one that is still missing. */
  heldEntriesCount: 1_000,
  /** Questions for missing entries that brought none, before the gap is told. */
  fruitlessQuestionsCount: 5,
  /** Between two signs that one types; the server holds one for 6 s. */
  typingIntervalMs: 3_000,
  /** Between two positions of a cursor. */
  cursorIntervalMs: 100,
  /** Messages of a room that its store keeps. */
  keptMessagesCount: 1_000,
  /** Ids of messages to the user, to know those that come again. */
  knownMessageIdsCount: 1_000,
  /** Rows that wait for a reader. */
  bufferRows: 1_000,
  /** Between tries of what the server refused for the moment, where it names no time. */
  refusedRetryMs: 1_000,
} as const;
