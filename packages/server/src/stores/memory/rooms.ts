import type { RoomRecord, RoomRecords } from "../../store.js";

/** Kept as JSON, as in a file: what is put or read can be changed without changing what is kept. */
export function createMemoryRooms(): RoomRecords {
  const rooms = new Map<string, string>();
  const parse = (json: string) => JSON.parse(json) as RoomRecord;
  return {
    async get(id) {
      const json = rooms.get(id);
      return json === undefined ? null : parse(json);
    },
    async put(record) {
      rooms.set(record.id, JSON.stringify(record));
    },
    delete: async (id) => rooms.delete(id),
    list: async ({ offset, limit }) => [...rooms.values()].slice(offset, offset + limit).map(parse),
    count: async () => rooms.size,
  };
}
