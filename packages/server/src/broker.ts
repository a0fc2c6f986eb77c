/**
 * Port: what several nodes would share, and what must outlive a process. Owns the logs of rooms and of broadcasts,
 * the queues of users who are away, presence, and the records of runs.
 *
 * Implementations: memory; durable (memory in front of a file). One contract suite runs over all of them.
 *
 * Whatever a promise of this port settles with has happened: in the durable broker it is committed to disk. What
 * cannot be stored rejects with `storage_full` or `unavailable` and has not happened. One exception: where the thread
 * of a file dies while it commits, or does not answer in time, what it was committing is refused and may be there all
 * the same; followers are told of such entries, and the same id again finds them.
 */
export interface Broker extends AsyncDisposable {
  /** Named in metrics and in figures. */
  readonly kind: "memory" | "file";
  readonly logs: Logs;
  readonly queues: Queues;
  readonly presence: Presence;
  readonly runs: RunRecords;
}

/** `room:<id>`, or the one log of messages to everybody. */
export type LogName = `room:${string}` | "broadcast";

/** A place in a log. Entries count from 1 within an epoch; 0 stands before the first. */
export interface LogPosition {
  /** Names one life of the log: another one where entries may have been lost. Random, at most 32 characters. */
  readonly epoch: string;
  readonly seq: number;
}

export interface NewEntry {
  /** Unique in the log while it is retained: the same id again is not appended again. */
  readonly id: string;
  readonly data: string;
  /** Kept beyond the retention until a snapshot covers it. Default `false`. */
  readonly pinned?: boolean;
}

export interface LogEntry {
  readonly seq: number;
  readonly id: string;
  /** Wall clock of its commit, milliseconds since 1970. */
  readonly atMs: number;
  readonly data: string;
}

export interface Appended extends LogPosition {
  /** The id was there already; the position is that of the first. */
  readonly repeated: boolean;
}

/** `seq` is that of the newest entry. */
export interface LogHead extends LogPosition {
  /** Of the oldest entry that can still be read; `seq + 1` where none can. */
  readonly firstSeq: number;
}

export interface LogSlice extends LogHead {
  /** In order, without holes. */
  readonly entries: readonly LogEntry[];
}

export interface LogSnapshot {
  /** The entry up to which it holds everything. */
  readonly seq: number;
  readonly data: Uint8Array;
}

/** What is to be saved of a log, in the life of it that it was made from. */
export interface NewSnapshot extends LogSnapshot {
  readonly epoch: string;
}

export interface LogState extends LogHead {
  readonly snapshot: LogSnapshot | null;
  /** The pinned entries after the snapshot, in order. */
  readonly pinned: readonly LogEntry[];
}

/** What a log keeps at most; whatever is over any of the bounds goes, oldest first. */
export interface Retention {
  readonly maxEntriesCount: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export interface Logs {
  /** A log is made by the first look at it. */
  head(name: LogName): Promise<LogHead>;
  /** Settles when the entry is committed and every follower was told. Entries are committed in the order of the calls. */
  append(name: LogName, entry: NewEntry): Promise<Appended>;
  /** Entries after `sinceSeq`, at most so many and (but for a single larger one) at most so many bytes of data. */
  read(
    name: LogName,
    sinceSeq: number,
    atMost: { readonly maxCount: number; readonly maxBytes: number },
  ): Promise<LogSlice>;
  /** Told of each entry in order, once, when it is committed. Returns the way to stop. */
  follow(name: LogName, listener: (entry: LogEntry, position: LogPosition) => void): () => void;
  /**
   * Puts another id and other data in the place of a retained entry, which keeps its place and its time. Followers are
   * not told. Settles with whether the entry was there.
   */
  replace(name: LogName, seq: number, entry: Omit<NewEntry, "pinned">): Promise<boolean>;
  state(name: LogName): Promise<LogState>;
  /**
   * Takes the place of an older snapshot, never of a newer one, and frees the pinned entries that it covers. One of
   * another epoch is passed over: its log was deleted meanwhile. Rejects with `internal_error` where it is ahead of
   * the log.
   */
  saveSnapshot(name: LogName, snapshot: NewSnapshot): Promise<void>;
  /** Forgets everything; the next look makes a log of a new epoch. */
  delete(name: LogName): Promise<void>;
}

export interface QueueEntry {
  readonly id: string;
  readonly atMs: number;
  readonly data: string;
}

export interface QueueContents {
  /** Oldest first. */
  readonly entries: readonly QueueEntry[];
  /** Entries that were dropped (too many, too old) and that the user was not told of. */
  readonly lostCount: number;
}

/** Messages that wait until their user has acknowledged them. */
export interface Queues {
  /** Settles with how many of the oldest had to go. An id that waits already is not queued again. */
  push(
    userId: string,
    entry: { readonly id: string; readonly data: string },
  ): Promise<{ readonly droppedCount: number }>;
  list(userId: string): Promise<QueueContents>;
  /** Settles with whether it was there. */
  acknowledge(userId: string, id: string): Promise<boolean>;
  /** So many of the lost ones were told. */
  acknowledgeLost(userId: string, count: number): Promise<void>;
  /** Entries of all users. */
  totalCount(): number;
  delete(userId: string): Promise<void>;
}

export interface PresenceMember {
  readonly connectionId: string;
  readonly userId: string;
  readonly userName: string;
}

export type PresenceChange =
  | { readonly kind: "entered"; readonly member: PresenceMember; readonly memberCount: number }
  | { readonly kind: "left"; readonly member: PresenceMember; readonly memberCount: number };

export type EnterOutcome =
  | { readonly entered: true; readonly members: readonly PresenceMember[]; readonly memberCount: number }
  | { readonly entered: false; readonly reason: "full" };

/** Who is in which room. Counts are of users, not of connections. */
export interface Presence {
  /** A connection that is there already enters again without being told to the listeners. Atomic with the count. */
  enter(room: string, member: PresenceMember, maxUsersCount: number): Promise<EnterOutcome>;
  leave(room: string, connectionId: string): Promise<void>;
  members(room: string): Promise<readonly PresenceMember[]>;
  /** Told of each change in order. Returns the way to stop. */
  follow(room: string, listener: (change: PresenceChange) => void): () => void;
}

/** What is left of a run when its process is gone, or when its log had to leave memory. */
export interface RunRecord {
  /** Of the run's scope and its id, unique. */
  readonly key: string;
  readonly startedAtMs: number;
  /** `null` while it is in progress: read by another process, such a run is lost. */
  readonly endedAtMs: number | null;
  /** Its log, once it has ended and is not too large. */
  readonly log: string | null;
}

/** Records expire five minutes after the end of their runs. */
export interface RunRecords {
  put(record: RunRecord): Promise<void>;
  get(key: string): Promise<RunRecord | null>;
  delete(key: string): Promise<void>;
}
