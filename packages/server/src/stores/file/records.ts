import type { Database } from "../../database/database.js";
import type {
  AnalyticsDay,
  AnalyticsRecords,
  EndpointRecord,
  EndpointRecords,
  RevocationRecords,
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
      const { id, isPublic } = record;
      const json = JSON.stringify(record);
      await database.request("putRoom", { id, isPublic, json }, json.length);
    },
    delete: (id) => database.request("deleteRoom", { id }),
    list: async ({ offset, limit, publicOnly = false }) =>
      (await database.request("listRooms", { offset, limit, publicOnly })).map(toRoom),
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
    async deleteUser(userId) {
      await database.request("deleteHistoryOfUser", { userId });
    },
  };
}

export function createFileEndpoints(database: Database): EndpointRecords {
  const parse = (json: string) => JSON.parse(json) as EndpointRecord;
  return {
    async get(id) {
      const json = await database.request("getEndpoint", { id });
      return json === null ? null : parse(json);
    },
    async put(record) {
      const { id, ownerId: userId, roomId } = record;
      const json = JSON.stringify(record);
      await database.request("putEndpoint", { id, userId, roomId, json }, json.length);
    },
    delete: (id) => database.request("deleteEndpoint", { id }),
    ofUser: async (userId) => (await database.request("endpointsOfUser", { userId })).map(parse),
    ofRoom: async (roomId) => (await database.request("endpointsOfRoom", { roomId })).map(parse),
    async deleteUser(userId) {
      await database.request("deleteEndpointsOfUser", { userId });
    },
    async deleteRoom(roomId) {
      await database.request("deleteEndpointsOfRoom", { roomId });
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

export function createFileRevocations(database: Database): RevocationRecords {
  return {
    async put(record) {
      await database.request("putRevocation", record, record.id.length);
    },
    list: (nowMs) => database.request("listRevocations", { nowMs }),
  };
}

/** What was put as a record of a room comes back as one: the row's checksum was right. Older ones say less. */
function toRoom(json: string): RoomRecord {
  const stored = JSON.parse(json) as Omit<RoomRecord, "isEncrypted"> & { readonly isEncrypted?: boolean };
  return { isEncrypted: false, ...stored };
}

function toSummary(json: string): RunSummary {
  return JSON.parse(json) as RunSummary;
}

function toDay(json: string): AnalyticsDay {
  return JSON.parse(json) as AnalyticsDay;
}
