/**
 * Port: what is no log. Implementations: memory; libsql (a file, in a worker thread). One contract suite runs over
 * both. What is put is committed when the promise settles; what cannot be stored rejects with `storage_full` or
 * `unavailable`, and what was there before stays.
 */
export interface Store extends AsyncDisposable {
  readonly rooms: RoomRecords;
  readonly history: RunHistory;
  readonly endpoints: EndpointRecords;
  /** Settles when nothing of what was deleted or replaced before is left in the file. */
  scrub(): Promise<void>;
  readonly revocations: RevocationRecords;
  readonly analytics: AnalyticsRecords;
}

export type RoomRole = "owner" | "editor" | "viewer";

export interface RoomRecord {
  readonly id: string;
  readonly name: string;
  /** `null`: made by nobody in particular; whoever may make rooms may delete it. */
  readonly ownerId: string | null;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Users, not connections. */
  readonly maxMembersCount: number;
  readonly isPublic: boolean;
  /** Whether its clients seal what they send. */
  readonly isEncrypted: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** By user id; who is not named has the default role of the room. */
  readonly roles: Readonly<Record<string, RoomRole>>;
  readonly defaultRole: RoomRole;
  readonly bannedUserIds: readonly string[];
  /** Proves that somebody was let into a private room; `null` for public ones. */
  readonly invite: string | null;
}

export interface RoomPage {
  readonly offset: number;
  readonly limit: number;
  /** Private rooms are passed over, and count neither for `offset` nor for `limit`. Default `false`. */
  readonly publicOnly?: boolean;
}

export interface RoomRecords {
  get(id: string): Promise<RoomRecord | null>;
  /** Makes or replaces. */
  put(record: RoomRecord): Promise<void>;
  /** Settles with whether it was there. */
  delete(id: string): Promise<boolean>;
  /** In the order of their making, oldest first. */
  list(page: RoomPage): Promise<readonly RoomRecord[]>;
  count(): Promise<number>;
}

/** An endpoint that a user registered. */
export interface EndpointRecord {
  readonly id: string;
  readonly ownerId: string;
  /** `null`: for its owner alone. */
  readonly roomId: string | null;
  readonly title: string;
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Headers as JSON, sealed by the vault; `null` where it wants none. */
  readonly credentials: string | null;
}

export interface EndpointRecords {
  get(id: string): Promise<EndpointRecord | null>;
  /** Makes or replaces. */
  put(record: EndpointRecord): Promise<void>;
  /** Settles with whether it was there. */
  delete(id: string): Promise<boolean>;
  /** In the order of their making. */
  ofUser(userId: string): Promise<readonly EndpointRecord[]>;
  ofRoom(roomId: string): Promise<readonly EndpointRecord[]>;
  deleteUser(userId: string): Promise<void>;
  deleteRoom(roomId: string): Promise<void>;
}

/** One query that was run, as it is remembered. */
export interface RunSummary {
  readonly queryId: string;
  readonly roomId: string | null;
  readonly userId: string;
  readonly userName: string;
  /** The question or the SPARQL as it was sent. */
  readonly text: string;
  readonly kind: "question" | "sparql";
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: "completed" | "failed" | "cancelled";
  readonly rowCount: number;
}

export interface RunHistory {
  /** Beyond the bound of its room (or, without one, of its user) the oldest goes. */
  add(run: RunSummary): Promise<void>;
  /** Newest first. */
  ofRoom(roomId: string, limit: number): Promise<readonly RunSummary[]>;
  /** Newest first; those in rooms too, for as long as their rooms keep them. */
  ofUser(userId: string, limit: number): Promise<readonly RunSummary[]>;
  deleteRoom(roomId: string): Promise<void>;
  /** Also those in rooms. */
  deleteUser(userId: string): Promise<void>;
}

/** Something that proves nobody any more. */
export interface RevocationRecord {
  readonly kind: "token" | "user" | "session";
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly revokedAtMs: number;
  /** From then on nobody needs to know. */
  readonly expiresAtMs: number;
}

export interface RevocationRecords {
  /** Makes or replaces that of its kind and id. */
  put(record: RevocationRecord): Promise<void>;
  /** Those that have not expired; the others are forgotten. */
  list(nowMs: number): Promise<readonly RevocationRecord[]>;
}

/** One run that is over, as it is counted. */
export interface AnalyticsSample {
  /** UTC, as ISO 8601 writes a date. */
  readonly day: string;
  readonly endpointId: string;
  readonly kind: RunSummary["kind"];
  readonly outcome: RunSummary["outcome"];
  readonly latencyMs: number;
  readonly rowCount: number;
  /** `null`: it is not kept. */
  readonly text: string | null;
}

/** The runs of one endpoint on one day, by kind and by outcome. */
export interface AnalyticsDay {
  readonly day: string;
  readonly endpointId: string;
  readonly question: number;
  readonly sparql: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly rows: number;
  /** Of those that completed. `buckets`: how many took no longer than each bound, and last how many longer. */
  readonly latency: {
    readonly count: number;
    readonly sumMs: number;
    readonly maxMs: number;
    readonly buckets: readonly number[];
  };
  /** The first of the day, cut. */
  readonly texts: readonly string[];
}

export interface AnalyticsRecords {
  add(sample: AnalyticsSample): Promise<void>;
  /** Both days included; by day, then by endpoint. */
  between(from: string, to: string): Promise<readonly AnalyticsDay[]>;
  deleteBefore(day: string): Promise<void>;
}
