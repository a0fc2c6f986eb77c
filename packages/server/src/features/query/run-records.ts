import { ProtocolFailure } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { RunRecord, RunRecords } from "../../broker.js";
import { decodeRun } from "./run-record.js";

/** What is stored of runs beyond the process. */
export interface StoredRuns {
  /** Not waited for: a run does not wait for the disk. */
  begin(key: string, startedAtMs: number): void;
  end(key: string, startedAtMs: number, log: string | null): void;
  /**
   * A run that is over. `null` where nothing is stored. Throws `query_lost` where it was in progress when its server
   * ended, `query_expired` where its log was too large to be stored.
   */
  read(key: string, queryId: string): Promise<ReturnType<typeof decodeRun> | null>;
  /** Settles when everything is stored, or has failed to be. */
  settled(): Promise<void>;
}

export function createStoredRuns(records: RunRecords, log: Logger): StoredRuns {
  const pending = new Set<Promise<void>>();
  const put = (record: RunRecord) => {
    const stored = records
      .put(record)
      .catch((error: unknown) => log.warn({ err: error }, "what a run leaves could not be stored"))
      .finally(() => pending.delete(stored));
    pending.add(stored);
  };
  return {
    begin: (key, startedAtMs) => put({ key, startedAtMs, endedAtMs: null, log: null }),
    end: (key, startedAtMs, text) => put({ key, startedAtMs, endedAtMs: Date.now(), log: text }),
    async read(key, queryId) {
      const record = await records.get(key);
      if (record === null) return null;
      if (record.endedAtMs === null) {
        throw new ProtocolFailure(
          "query_lost",
          `The server ended while the query "${queryId}" was in progress. Send it again under a new id.`,
        );
      }
      if (record.log === null) {
        throw new ProtocolFailure(
          "query_expired",
          `The query "${queryId}" is over, and its rows were too many to be kept. Send it again under a new id.`,
        );
      }
      return decodeRun(record.log);
    },
    async settled() {
      await Promise.all(pending);
    },
  };
}
