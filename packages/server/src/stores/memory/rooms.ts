import type { RoomRecord, RoomRecords } from "../../store.js";

interface Kept {
  readonly json: string;
  readonly isPublic: boolean;
}

/** Kept as JSON, as in a file: what is put or read can be changed without changing what is kept. */
export function createMemoryRooms(): RoomRecords {
  const rooms = new Map<string, Kept>();
  const parse = ({ json }: Kept) => JSON.parse(json) as RoomRecord;
  return {
    async get(id) {
      const kept = rooms.get(id);
      return kept === undefined ? null : parse(kept);
    },
    async put(record) {
      rooms.set(record.id, { json: JSON.stringify(record), isPublic: record.isPublic });
    },
    delete: async (id) => rooms.delete(id),
    async list({ offset, limit, publicOnly = false }) {
      const all = [...rooms.values()];
      const listed = publicOnly ? all.filter(({ isPublic }) => isPublic) : all;
      return listed.slice(offset, offset + limit).map(parse);
    },
    count: async () => rooms.size,
  };
}
