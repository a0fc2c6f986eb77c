import type { Retention } from "./broker.js";
import { SERVER_LIMITS } from "./limits.js";

/** What is kept at most, in memory and in files alike. */
export interface StorageBounds {
  readonly roomLogs: Retention;
  readonly broadcastLog: Retention;
  /** Bytes of one log's pinned entries that no snapshot covers. */
  readonly pinnedBytes: number;
  readonly queueEntriesCount: number;
  readonly queueEntryAgeMs: number;
  /** Bytes of the messages that wait in all queues in memory. */
  readonly memoryQueuesBytes: number;
  readonly runRetentionMs: number;
  readonly runRecordsBytes: number;
  readonly historyRunsCount: number;
  /** How long a run is remembered after its end. */
  readonly historyAgeMs: number;
  readonly historyBytes: number;
}

export const STORAGE_BOUNDS: StorageBounds = SERVER_LIMITS;

export function retentionOf(name: string, bounds: StorageBounds): Retention {
  return name === "broadcast" ? bounds.broadcastLog : bounds.roomLogs;
}
