import type { RunRecords } from "../../broker.js";
import type { Database } from "../../database/database.js";

export function createFileRunRecords(database: Database): RunRecords {
  return {
    async put({ key, startedAtMs, endedAtMs, log }) {
      await database.request("putRun", { key, startedAtMs, endedAtMs, log }, log?.length ?? 0);
    },
    get: (key) => database.request("getRun", { key }),
    async delete(key) {
      await database.request("deleteRun", { key });
    },
  };
}
