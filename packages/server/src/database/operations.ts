import type {
  LogEntry,
  LogHead,
  LogPosition,
  LogSlice,
  LogState,
  NewEntry,
  NewSnapshot,
  QueueContents,
  RunRecord,
} from "../broker.js";
import type { AnalyticsSample, RevocationRecord, RoomPage } from "../store.js";

/** With what tells how long `firstSeq` is right. */
export interface HeadInFile extends LogHead {
  /** Of the entry `firstSeq`; `null` where none can be read. */
  readonly firstAtMs: number | null;
}

interface AppendedToFile extends HeadInFile {
  /** Of the entry of that id. */
  readonly entrySeq: number;
  readonly repeated: boolean;
  readonly atMs: number;
}

/** The result of whatever changes queues. */
interface QueueChange<T> {
  readonly result: T;
  /** Entries of all users. */
  readonly totalCount: number;
}

interface Operation<Q, R> {
  readonly request: Q;
  readonly result: R;
}

type OfLog<M> = M & { readonly name: string };
type OfUser<M> = M & { readonly userId: string };

/** Everything that the thread which owns the file can be asked for. */
export interface Operations {
  appendEntry: Operation<OfLog<{ readonly entry: NewEntry }>, AppendedToFile>;
  /** By its id; `null` where it is not retained. */
  findEntry: Operation<
    OfLog<{ readonly id: string }>,
    { readonly entry: LogEntry; readonly position: LogPosition } | null
  >;
  replaceEntry: Operation<
    OfLog<{ readonly seq: number; readonly id: string; readonly data: string }>,
    boolean
  >;
  logHead: Operation<OfLog<unknown>, HeadInFile>;
  readLog: Operation<
    OfLog<{ readonly sinceSeq: number; readonly maxCount: number; readonly maxBytes: number }>,
    LogSlice
  >;
  logState: Operation<OfLog<unknown>, LogState>;
  saveSnapshot: Operation<OfLog<{ readonly snapshot: NewSnapshot }>, null>;
  deleteLog: Operation<OfLog<unknown>, null>;

  pushToQueue: Operation<
    OfUser<{ readonly id: string; readonly data: string }>,
    QueueChange<{ readonly droppedCount: number }>
  >;
  listQueue: Operation<OfUser<unknown>, QueueContents>;
  acknowledge: Operation<OfUser<{ readonly id: string }>, QueueChange<boolean>>;
  acknowledgeLost: Operation<OfUser<{ readonly count: number }>, QueueChange<null>>;
  deleteQueue: Operation<OfUser<unknown>, QueueChange<null>>;

  putRun: Operation<RunRecord, null>;
  getRun: Operation<{ readonly key: string }, RunRecord | null>;
  deleteRun: Operation<{ readonly key: string }, null>;

  /** Records of rooms and of runs pass as JSON: texts cross between threads at the least cost. */
  getRoom: Operation<{ readonly id: string }, string | null>;
  putRoom: Operation<{ readonly id: string; readonly isPublic: boolean; readonly json: string }, null>;
  deleteRoom: Operation<{ readonly id: string }, boolean>;
  listRooms: Operation<Required<RoomPage>, readonly string[]>;
  countRooms: Operation<null, number>;

  addToHistory: Operation<OfUser<{ readonly roomId: string | null; readonly json: string }>, null>;
  historyOfRoom: Operation<{ readonly roomId: string; readonly limit: number }, readonly string[]>;
  historyOfUser: Operation<OfUser<{ readonly limit: number }>, readonly string[]>;
  deleteHistoryOfRoom: Operation<{ readonly roomId: string }, null>;
  deleteHistoryOfUser: Operation<OfUser<unknown>, null>;

  getEndpoint: Operation<{ readonly id: string }, string | null>;
  putEndpoint: Operation<
    OfUser<{ readonly id: string; readonly roomId: string | null; readonly json: string }>,
    null
  >;
  deleteEndpoint: Operation<{ readonly id: string }, boolean>;
  endpointsOfUser: Operation<OfUser<unknown>, readonly string[]>;
  endpointsOfRoom: Operation<{ readonly roomId: string }, readonly string[]>;
  deleteEndpointsOfUser: Operation<OfUser<unknown>, null>;
  deleteEndpointsOfRoom: Operation<{ readonly roomId: string }, null>;

  /** Carries everything over into the file itself, once the transaction is committed that the call is in. */
  checkpoint: Operation<null, null>;
  /** Writes a backup into a file, once the transaction is committed that the call is in. */
  backUp: Operation<{ readonly path: string }, null>;

  putRevocation: Operation<RevocationRecord, null>;
  listRevocations: Operation<{ readonly nowMs: number }, readonly RevocationRecord[]>;

  addToAnalytics: Operation<AnalyticsSample, null>;
  analyticsBetween: Operation<{ readonly from: string; readonly to: string }, readonly string[]>;
  deleteAnalyticsBefore: Operation<{ readonly day: string }, null>;

  /** Takes away what is too old, a part at a time; `more` where the next part should follow at once. */
  sweep: Operation<null, QueueChange<{ readonly more: boolean }>>;
}

export type OperationName = keyof Operations;

/** Called within a transaction. A handler that throws has changed nothing. */
export type Handlers<K extends OperationName = OperationName> = {
  readonly [N in K]: (request: Operations[N]["request"], nowMs: number) => Operations[N]["result"];
};
