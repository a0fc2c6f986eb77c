import type { Queues } from "../../broker.js";
import type { Database } from "../../database/database.js";

export interface FileQueues extends Queues {
  /** Entries of all users, as the file has them. */
  counted(totalCount: number): void;
}

export function createFileQueues(database: Database): FileQueues {
  let totalCount = 0;
  return {
    async push(userId, { id, data }) {
      const change = await database.request("pushToQueue", { userId, id, data }, data.length);
      totalCount = change.totalCount;
      return change.result;
    },
    list: (userId) => database.request("listQueue", { userId }),
    async acknowledge(userId, id) {
      const change = await database.request("acknowledge", { userId, id });
      totalCount = change.totalCount;
      return change.result;
    },
    async acknowledgeLost(userId, count) {
      const change = await database.request("acknowledgeLost", { userId, count });
      totalCount = change.totalCount;
    },
    totalCount: () => totalCount,
    async delete(userId) {
      const change = await database.request("deleteQueue", { userId });
      totalCount = change.totalCount;
    },
    counted(count) {
      totalCount = count;
    },
  };
}
