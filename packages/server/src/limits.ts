/** Bounds of the server. Those of one message are in the protocol's `WIRE_LIMITS`, those of a query in the engine's `LIMITS`. */
export const SERVER_LIMITS = {
  /** Bytes that may wait for one connection. A single larger message may enter an empty queue. */
  maxQueuedBytes: 1024 * 1024,
  /** Time without a completed write while bytes wait; then the peer is a slow consumer. */
  writeStallTimeoutMs: 10_000,
  /** Bytes of one write; also those of one fragment, so that control frames pass between fragments. */
  maxWriteBytes: 64 * 1024,
  /** Rows are streamed on as soon as no more than this waits. */
  streamLowWaterBytes: 256 * 1024,
  /** Bytes of one `query_rows`, estimated; a single larger row goes alone. */
  maxChunkBytes: 64 * 1024,
  /** Time for the peer to answer a close frame before the socket is cut. */
  closeTimeoutMs: 5_000,
  heartbeatIntervalMs: 30_000,
  heartbeatTimeoutMs: 60_000,
  parallelQueriesPerUserCount: 3,
  /** Queries of one user that may wait for their turn. */
  waitingQueriesPerUserCount: 20,
  /** How long the id of a query stays taken after its end. */
  runRetentionMs: 5 * 60_000,
  /** Ids kept at most, of all users; the oldest are forgotten first. */
  retainedRunsCount: 100_000,
  /** A streamed query without any credit for so long at a stretch is given up. */
  maxCreditGapMs: 30_000,
  /** HTTP request bodies. */
  maxBodyBytes: 256 * 1024,
  /** What may take its time when the server closes: running queries are told and cancelled, sockets closed. */
  shutdownTimeoutMs: 10_000,
} as const;
