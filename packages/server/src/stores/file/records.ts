import type { Database } from "../../database/database.js";
import type {
  AnalyticsDay,
  AnalyticsRecords,
  RoomRecord,
  RoomRecords,
  RunHistory,
  RunSummary,
} from "../../store.js";

export function createFileRooms(database: Database): RoomRecords {
  return {
    async get(id) {
      const json = await database.request("getRoom", { id });
      return json === null ? null : toRoom(json);
    },
    async put(record) {
      const json = JSON.stringify(record);
      await database.request("putRoom", { id: record.id, json }, json.length);
    },
    delete: (id) => database.request("deleteRoom", { id }),
    list: async (page) => (await database.request("listRooms", page)).map(toRoom),
    count: () => database.request("countRooms", null),
  };
}

export function createFileHistory(database: Database): RunHistory {
  return {
    async add(run) {
      const { roomId, userId } = run;
      const json = JSON.stringify(run);
      await database.request("addToHistory", { roomId, userId, json }, json.length);
    },
    ofRoom: async (roomId, limit) =>
      (await database.request("historyOfRoom", { roomId, limit })).map(toSummary),
    ofUser: async (userId, limit) =>
      (await database.request("historyOfUser", { userId, limit })).map(toSummary),
    async deleteRoom(roomId) {
      await database.request("deleteHistoryOfRoom", { roomId });
    },
  };
}

export function createFileAnalytics(database: Database): AnalyticsRecords {
  return {
    async add(sample) {
      await database.request("addToAnalytics", sample, sample.text?.length ?? 0);
    },
    between: async (from, to) => (await database.request("analyticsBetween", { from, to })).map(toDay),
    async deleteBefore(day) {
      await database.request("deleteAnalyticsBefore", { day });
    },
  };
}

/** What was put as a record of a room comes back as one: the row's checksum was right. */
function toRoom(json: string): RoomRecord {
  return JSON.parse(json) as RoomRecord;
}

function toSummary(json: string): RunSummary {
  return JSON.parse(json) as RunSummary;
}

function toDay(json: string): AnalyticsDay {
  return JSON.parse(json) as AnalyticsDay;
}
