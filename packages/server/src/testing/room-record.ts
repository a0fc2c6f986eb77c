import type { RoomRecord } from "../store.js";

/** A public room of nobody. */
export function roomRecord(more: Partial<RoomRecord> = {}): RoomRecord {
  return {
    id: "one",
    name: "One",
    ownerId: null,
    createdAtMs: 1,
    maxMembersCount: 50,
    isPublic: true,
    isEncrypted: false,
    metadata: {},
    roles: {},
    defaultRole: "editor",
    bannedUserIds: [],
    invite: null,
    ...more,
  };
}
