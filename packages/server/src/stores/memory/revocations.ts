import type { RevocationRecord, RevocationRecords } from "../../store.js";

export function createMemoryRevocations(): RevocationRecords {
  const records = new Map<string, RevocationRecord>();
  return {
    async put(record) {
      records.set(JSON.stringify([record.kind, record.id]), { ...record });
    },
    async list(nowMs) {
      for (const [key, { expiresAtMs }] of records) if (expiresAtMs <= nowMs) records.delete(key);
      return [...records.values()];
    },
  };
}
