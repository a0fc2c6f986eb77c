import type { RoomRecord, RoomRole } from "../../store.js";

/** What somebody may do in a room, by role. */
const ALLOWED = {
  watch: ["owner", "editor", "viewer"],
  point: ["owner", "editor", "viewer"],
  publish: ["owner", "editor"],
  edit: ["owner", "editor"],
  run: ["owner", "editor"],
  invite: ["owner", "editor"],
  manage: ["owner"],
} as const satisfies Record<string, readonly RoomRole[]>;

export type RoomAction = keyof typeof ALLOWED;

export function isAllowed(action: RoomAction, role: RoomRole): boolean {
  const roles: readonly RoomRole[] = ALLOWED[action];
  return roles.includes(role);
}

export function roleOf(record: RoomRecord, userId: string): RoomRole {
  if (record.ownerId === userId) return "owner";
  return namedRole(record, userId) ?? record.defaultRole;
}

/** Whether somebody may come in at all. A private room lets in whoever has a role of his own, or its invitation. */
export function mayEnter(record: RoomRecord, userId: string, invite: string | undefined): boolean {
  if (record.bannedUserIds.includes(userId)) return false;
  if (record.isPublic || record.ownerId === userId || namedRole(record, userId) !== undefined) return true;
  return record.invite !== null && invite === record.invite;
}

function namedRole(record: RoomRecord, userId: string): RoomRole | undefined {
  return Object.hasOwn(record.roles, userId) ? record.roles[userId] : undefined;
}
