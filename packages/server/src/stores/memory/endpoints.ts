import type { EndpointRecord, EndpointRecords } from "../../store.js";

/** Kept as JSON, as in a file: what is put or read can be changed without changing what is kept. */
export function createMemoryEndpoints(): EndpointRecords {
  const endpoints = new Map<string, string>();
  const parse = (json: string) => JSON.parse(json) as EndpointRecord;
  const all = () => [...endpoints.values()].map(parse);
  const removeEach = (isOver: (record: EndpointRecord) => boolean) => {
    for (const record of all()) if (isOver(record)) endpoints.delete(record.id);
  };
  return {
    async get(id) {
      const json = endpoints.get(id);
      return json === undefined ? null : parse(json);
    },
    async put(record) {
      endpoints.set(record.id, JSON.stringify(record));
    },
    delete: async (id) => endpoints.delete(id),
    ofUser: async (userId) => all().filter(({ ownerId }) => ownerId === userId),
    ofRoom: async (id) => all().filter(({ roomId }) => roomId === id),
    async deleteUser(userId) {
      removeEach(({ ownerId }) => ownerId === userId);
    },
    async deleteRoom(id) {
      removeEach(({ roomId }) => roomId === id);
    },
  };
}
