/** Bounds of shared documents. How often updates come and how large a message is are bounds of the connection. */
export const DOCUMENT_LIMITS = {
  /** Of the whole state as one update. */
  maxDocumentBytes: 1024 * 1024,
  /**
   * The part of `maxDocumentBytes` by which a document may outgrow it through deletions, which cut its texts into
   * pieces: a full document could not be made smaller otherwise.
   */
  deletionHeadroom: 1 / 8,
  /** Yjs takes a new client id for each session, and looks at all of them in each transaction. */
  maxClientsCount: 4_096,
  /** Characters and other elements that one client may have written. */
  maxClock: 2 ** 31 - 1,
  /** Types within types. Yjs deletes them recursively. */
  maxTypeNesting: 32,
  /** Arrays and objects within each other, in a value. Yjs reads and writes them recursively. */
  maxValueNesting: 32,
  /**
   * Steps of merging one update, at about half a microsecond each: elements that are compared to find the place of
   * a concurrent insertion, and what is moved or copied where elements are cut or joined.
   */
  maxMergeSteps: 100_000,
  /** Updates since the state was last encoded; a refused merge is undone by merging these again. */
  maxJournalCount: 4_000,
  minJournalBytes: 64 * 1024,
  maxAwarenessBytes: 16 * 1024,
  /** Clients that one awareness update may tell of, and that one connection may speak for in a room. */
  maxAwarenessStates: 100,
} as const;
