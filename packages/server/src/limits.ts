/** Bounds of the server. Those of one message are in the protocol's `WIRE_LIMITS`, those of a query in the engine's `LIMITS`. */
export const SERVER_LIMITS = {
  /** Bytes that may wait for one connection. A single larger message may enter an empty queue. */
  maxQueuedBytes: 1024 * 1024,
  /** Time without a completed write while bytes wait; then the peer is a slow consumer. */
  writeStallTimeoutMs: 10_000,
  /** Bytes of one write; also those of one fragment, so that control frames pass between fragments. */
  maxWriteBytes: 64 * 1024,
  /** Rooms from so many members on wait, before they write, until a turn of the event loop brings nothing more. */
  gatherFromMembersCount: 64,
  /** How long they wait at most, for each member: about a fifth of what a write takes. */
  gatherMsPerMember: 0.001,
  /** Messages of fewer bytes, and of more, are not compressed. */
  minDeflatedBytes: 1024,
  maxDeflatedBytes: 1024 * 1024,
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
  /** How long it is known that a run has ended, so that who comes too late is told so. */
  endedRunsMemoryMs: 60 * 60_000,
  /** Ids of ended runs kept at most, of all users; the oldest are forgotten first. */
  endedRunsCount: 100_000,
  /** A streamed query without any credit for so long at a stretch is given up. */
  maxCreditGapMs: 30_000,
  /** Who watches a run and is lost is waited for so long. */
  watcherGraceMs: 60_000,
  /** What is kept of one run in progress for who is behind or comes late. */
  maxRunLogBytes: 16 * 1024 * 1024,
  /** What is kept of all runs that have ended, together. */
  maxEndedLogsBytes: 64 * 1024 * 1024,
  /** A run's log that is larger is not kept beyond the process. */
  maxRunRecordBytes: 10 * 1024 * 1024,
  /** Runs that one `resume` may name; further ones are not recovered. */
  resumedRunsCount: 50,
  /** Ephemeral messages of different keys that may wait for one connection; further ones are dropped. */
  maxEphemeralKeysCount: 1_000,

  /** How long a connection that was lost stays a member of its rooms. */
  presenceGraceMs: 15_000,
  /** How long a connection that was lost may come back as what it was. */
  resumeWindowMs: 120_000,
  /** Lost connections that are remembered; the oldest are forgotten first. */
  lostSessionsCount: 10_000,
  connectionsPerUserCount: 20,
  connectionsPerAddressCount: 100,

  /** Messages of a connection, and as many at once; 0: no limit. */
  requestsPerMinuteCount: 60,
  /** Of the class of typing, cursors, document updates, suggestions and heartbeats. */
  editsPerSecondCount: 20,
  editBurstCount: 60,
  /** WebSocket pings and pongs of a connection. */
  controlFramesPerSecondCount: 20,
  controlFrameBurstCount: 100,

  roomsPerConnectionCount: 100,
  roomsCount: 10_000,
  /** Users in a room where nobody says otherwise, and the most that anybody may say. */
  membersPerRoomCount: 50,
  maxMembersPerRoomCount: 10_000,
  /** Of a list of rooms, where nobody says how many. */
  roomsPerPageCount: 100,
  maxRoomMetadataBytes: 16 * 1024,
  maxRoomNameCharacters: 128,
  /** Users who may be banned from a room, or have a role of their own in it. */
  maxNamedUsersPerRoomCount: 1_000,
  /** How long a room without members stays in memory. */
  emptyRoomMs: 60 * 60_000,
  /** How often it is looked for such rooms. */
  roomSweepMs: 60_000,
  /** How long a sign that somebody types holds when nothing more comes. */
  typingSignMs: 6_000,
  /** Entries of a log that are read, and bytes that are sent, before it is waited for the reader. */
  replayPageCount: 200,
  replayPageBytes: 256 * 1024,
  /** Bytes of the entries that one `room_history` answers with. */
  historyAnswerBytes: 768 * 1024,
  /** Pages of one recovery; a reader that needs more is too slow for its room. */
  replayPagesCount: 10_000,
  /** Refused updates of a document, or of awareness, in a row; then the connection is closed. */
  refusedUpdatesInARowCount: 5,
  /** Updates of a document after which its state is stored anew. */
  documentCompactionCount: 200,
  /** Of a sealed document, which no server can put together: its snapshot, and the updates that none covers. */
  sealedSnapshotBytes: 384 * 1024,
  sealedUpdatesBytes: 256 * 1024,
  sealedUpdatesCount: 500,
  sealedAwarenessBytes: 17 * 1024,
  /** A client is asked for a snapshot when so much waits, and again after each further part. */
  snapshotWantedCount: 200,
  snapshotWantedBytes: 128 * 1024,
  snapshotWantedAgainCount: 50,
  snapshotWantedAgainBytes: 32 * 1024,
  /** Members that a room tells those who join; the count says how many there are. */
  toldMembersCount: 500,
  /** The text of a room's document in which its query stands. */
  documentQueryText: "query",
  /** Runs that a room tells those who join. */
  toldRunsCount: 20,

  /** Endpoints that one user may have registered, and what proves to one of them who asks. */
  endpointsPerUserCount: 50,
  maxCredentialHeadersCount: 16,
  maxCredentialCharacters: 4_096,
  /** Remembered runs of one user that are looked at when the user's data are exported or erased. */
  maxExportedRunsCount: 100_000,
  /** Of the secret under which credentials are sealed. */
  minSecretKeyCharacters: 32,

  /** Public rooms that one answer lists, where nobody says otherwise and at most. */
  listedRoomsCount: 100,
  maxListedRoomsCount: 500,
  /** Where all rooms are looked at, it is in pages of so many, and so many pages at most. */
  roomScanPageCount: 1_000,
  roomScanPagesCount: 1_000,
  /** Of the admin's key. It must fit in a header. */
  minAdminKeyCharacters: 32,
  maxAdminKeyCharacters: 256,
  /** Wrong keys of one address within the window; after them nothing that it shows is looked at until its end. */
  adminFailuresCount: 10,
  adminFailureWindowMs: 60_000,
  /** Addresses of which that is remembered; the oldest are forgotten first. */
  adminFailureAddressesCount: 10_000,
  /** Sockets of admins at a time. */
  adminConnectionsCount: 20,
  /** Actions of one such socket. */
  adminActionsPerMinuteCount: 600,

  /** Time for who comes without a token to show one. */
  authenticationTimeoutMs: 5_000,
  /** What is taken of somebody before that. */
  unprovenMessagesCount: 10,
  unprovenBytes: 32 * 1024,
  /** Upgrades whose token is being verified. */
  verifiedUpgradesCount: 1_000,
  maxTokenCharacters: 8 * 1024,
  minTokenSecretBytes: 32,
  maxTokenSecretCharacters: 1_024,
  clockSkewS: 30,
  maxClockSkewS: 300,
  /** A token that is good for longer is refused: its revocation could not be kept for as long. */
  maxTokenLifeMs: 366 * 24 * 3_600_000,
  /** So long before its end a fresh token is asked for; of a short one at this share of its time. */
  tokenPromptMs: 60_000,
  tokenPromptShare: 0.8,
  ticketLifeMs: 30_000,
  ticketsCount: 10_000,
  ticketsPerUserCount: 100,
  /** Of an issuer: the time for its answer, the bytes of it, the keys in it. */
  keyFetchTimeoutMs: 5_000,
  maxKeyDocumentBytes: 256 * 1024,
  keysCount: 100,
  /** How long its keys are used before they are asked for again, and while they cannot be had. */
  keySetAgeMs: 10 * 60_000,
  keySetStaleMs: 60 * 60_000,
  /** Between two looks for a key that is not there, and after a look that failed. */
  keySetCooldownMs: 30_000,
  keyFetchRetryMs: 5_000,
  /** That hold at a time; above them none is taken, because an older one would have to be forgotten. */
  revocationsCount: 100_000,

  /** HTTP request bodies. */
  maxBodyBytes: 256 * 1024,
  /** The address of a request and its headers together. */
  maxHeaderBytes: 16 * 1024,
  /** From the start of a connection, or of its next request, until the headers are whole. */
  headersTimeoutMs: 10_000,
  /** The same until the body is whole too. */
  requestTimeoutMs: 30_000,
  /** How often it is looked for requests that took too long. */
  timeoutCheckIntervalMs: 1_000,
  /** Between two requests of a connection. */
  keepAliveTimeoutMs: 30_000,
  /** Sockets that carry no WebSocket, of all clients; further ones are cut. */
  openHttpSocketsCount: 4_000,
  /** Time for queries that were cancelled to be over, and for HTTP requests that are under way at the end. */
  shutdownTimeoutMs: 2_000,
  /** How long a server that shuts down still takes everything, so that load balancers see that it is not ready. */
  drainGraceMs: 5_000,
  maxDrainGraceMs: 10_000,
  /** How long queries may go on after that. */
  drainQueriesMs: 12_000,
  maxDrainQueriesMs: 17_000,
  /** Grace and queries together. What follows has its bounds too: all in all a server is gone within 30 s. */
  drainWaitMs: 17_000,
  /** Connections are closed over this time, so many each millisecond. */
  drainSpreadMs: 3_000,
  drainClosesPerMs: 4,
  /** When to return: not at once, because another server has to start, and spread by the number of those who will. */
  minReturnMs: 1_000,
  returnSpreadMsPerConnection: 2,
  minReturnSpreadMs: 1_000,
  maxReturnSpreadMs: 20_000,
  /** What who comes in the meantime is told. */
  drainRetryAfterMs: 2_000,
  overloadRetryAfterMs: 5_000,
  /** How late the event loop may come before new work is refused. */
  maxEventLoopDelayMs: 1_000,
  /** How often that, and memory, is looked at; samples in a row above the limits, and below this part of them. */
  pressureSampleMs: 250,
  overloadSamplesCount: 2,
  reliefSamplesCount: 4,
  reliefRatio: 0.8,
  /** How long the store may take to answer whether it is there. */
  storeCheckTimeoutMs: 2_000,

  /** What the log of one room keeps. */
  roomLogs: { maxEntriesCount: 1_000, maxAgeMs: 24 * 3_600_000, maxBytes: 8 * 1024 * 1024 },
  /** What the log of messages to everybody keeps. */
  broadcastLog: { maxEntriesCount: 1_000, maxAgeMs: 10 * 60_000, maxBytes: 8 * 1024 * 1024 },
  /** Pinned entries of one log that no snapshot covers; above them pinned ones are refused. */
  pinnedBytes: 32 * 1024 * 1024,
  /** Messages that wait for one user. */
  queueEntriesCount: 100,
  queueEntryAgeMs: 7 * 24 * 3_600_000,
  /** Messages that wait in memory, of all users; above them further ones are refused. */
  memoryQueuesBytes: 256 * 1024 * 1024,
  /** Records of runs, of all users; those that ended first go first. */
  runRecordsBytes: 64 * 1024 * 1024,
  /** Runs remembered of each room, and of each user outside rooms. */
  historyRunsCount: 100,
  historyAgeMs: 90 * 24 * 3_600_000,
  /** Runs remembered in all. */
  historyBytes: 64 * 1024 * 1024,

  /** Experiments, and variants of one. */
  experimentsCount: 20,
  variantsCount: 20,

  /** Upper bounds of the latencies that analytics tell apart; what took longer is one more class. */
  analyticsBucketsMs: [30, 100, 300, 1_000, 3_000, 10_000, 30_000],
  /** How long the counts of a day are kept. */
  analyticsDaysCount: 90,
  /** Days of which one answer tells where nobody says which. */
  analyticsToldDaysCount: 30,
  /** Texts of a day and an endpoint, and characters of each, where they are kept at all. */
  analyticsTextsCount: 100,
  analyticsTextCharacters: 500,
  /** Samples that wait to be stored; further ones are not counted. */
  analyticsWaitingCount: 10_000,

  /** How often what is too old is cleared away; nobody sees it in between. */
  sweepIntervalMs: 30_000,
  /** Rows that one sweep of the file takes away; where there are more the next follows at once. */
  sweepRowsCount: 10_000,
  /** Logs of which the thread that owns the file keeps the head in memory. */
  openLogsCount: 1_000,
  /** Operations that may wait for that thread. */
  waitingOperationsCount: 10_000,
  /** Bytes of those, estimated. A single larger one may enter the empty queue. */
  waitingOperationsBytes: 32 * 1024 * 1024,
  /** What that thread has not answered by then is refused. */
  storageAnswerTimeoutMs: 5_000,
  /** Time until a thread that died is started again; doubled with every failure. */
  threadRestartDelayMs: 100,
  maxThreadRestartDelayMs: 30_000,
  /** Entries of logs in a file that are also kept in memory; those that were not used for longest go first. */
  cachedLogsBytes: 64 * 1024 * 1024,
  /** Logs of a file of which the newest position is kept in memory. */
  cachedLogsCount: 10_000,
} as const;
