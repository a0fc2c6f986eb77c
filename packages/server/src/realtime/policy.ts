import type { RoomRecord, RoomRole } from "../store.js";
import type { Tier, User } from "./connection.js";

/**
 * How somebody stands to a room. `newcomer`: may come in, because it is public or its invitation was shown.
 * `outsider`: may not, or is banned; to an outsider a room is not there.
 */
type Standing = RoomRole | "newcomer" | "outsider";

const INSIDE = ["owner", "editor", "viewer"] as const;
const WRITING = ["owner", "editor"] as const;

/**
 * Who may do what to a room. An admin's power is over the server (`SERVER_POLICY`): to take part in a room it needs a
 * role like everybody. A guest stands to a room like a user who is named nowhere.
 */
const ROOM_POLICY = {
  /** Learn that there is such a room, alone or in a list. */
  see: [...INSIDE, "newcomer", "admin"],
  join: [...INSIDE, "newcomer"],
  readHistory: [...INSIDE, "newcomer"],
  /** What follows wants somebody who is in the room. */
  watch: INSIDE,
  point: INSIDE,
  publish: WRITING,
  edit: WRITING,
  run: WRITING,
  /** Of a run that somebody else began. Who began one may always cancel it. */
  cancel: WRITING,
  invite: WRITING,
  role: ["owner"],
  kick: ["owner"],
  ban: ["owner"],
  /** Also from outside. A room that nobody owns may be deleted by who sees it. */
  delete: ["owner", "admin"],
} as const satisfies Readonly<Record<string, readonly (Standing | "admin")[]>>;

export type RoomVerb = keyof typeof ROOM_POLICY;

/** Who may do what on a server. Asking, and making rooms, is for all whom it lets in. */
const SERVER_POLICY = {
  /** Everybody's connections, rooms and queries, broadcasts, analytics, the end of the server. */
  administer: ["admin"],
} as const satisfies Readonly<Record<string, readonly Tier[]>>;

/** Who asks; `null`: nobody said so. */
export type Asker = Pick<User, "id" | "role"> | null;

export function isAllowed(verb: RoomVerb, standing: Standing): boolean {
  const allowed: readonly string[] = ROOM_POLICY[verb];
  return allowed.includes(standing);
}

/** What may be done from outside a room. `invite`: what was shown as the room's invitation. */
export function mayDo(verb: RoomVerb, record: RoomRecord, asker: Asker, invite?: string): boolean {
  const allowed: readonly string[] = ROOM_POLICY[verb];
  if (asker?.role === "admin" && allowed.includes("admin")) return true;
  const standing = standingOf(record, asker, invite);
  if (verb === "delete" && record.ownerId === null) return isAllowed("see", standing);
  return allowed.includes(standing);
}

/** An application, or a token, vouches for an admin; a guest named no user. */
export function tierOf({ role }: Pick<User, "role">, isIdentified: boolean): Tier {
  if (role === "admin") return "admin";
  return isIdentified ? "user" : "guest";
}

export function mayOnServer(verb: keyof typeof SERVER_POLICY, tier: Tier): boolean {
  const allowed: readonly Tier[] = SERVER_POLICY[verb];
  return allowed.includes(tier);
}

/** The role of somebody who is in the room. */
export function roleOf(record: RoomRecord, userId: string): RoomRole {
  if (record.ownerId === userId) return "owner";
  return namedRole(record, userId) ?? record.defaultRole;
}

export function isBanned(record: RoomRecord, userId: string): boolean {
  return record.bannedUserIds.includes(userId);
}

function standingOf(record: RoomRecord, asker: Asker, invite: string | undefined): Standing {
  const newcomer = record.isPublic || (record.invite !== null && invite === record.invite);
  if (asker === null) return newcomer ? "newcomer" : "outsider";
  if (isBanned(record, asker.id)) return "outsider";
  if (record.ownerId === asker.id) return "owner";
  return namedRole(record, asker.id) ?? (newcomer ? "newcomer" : "outsider");
}

function namedRole(record: RoomRecord, userId: string): RoomRole | undefined {
  return Object.hasOwn(record.roles, userId) ? record.roles[userId] : undefined;
}
