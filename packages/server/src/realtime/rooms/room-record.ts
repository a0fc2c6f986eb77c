import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { RoomRecord, RoomRole } from "../../store.js";
import { newInvite } from "./invitations.js";

export interface NewRoom {
  readonly id: string;
  /** Default: the id. */
  readonly name?: string;
  readonly ownerId?: string | null;
  /** Users. Default 50. */
  readonly maxMembersCount?: number;
  readonly isPublic?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Whether its clients seal what they send, with a key that the server never has. Default `false`. */
  readonly isEncrypted?: boolean;
  /** Of those who have none of their own. Default `editor`. */
  readonly defaultRole?: RoomRole;
}

/** As REST tells it. */
export interface RoomInfo {
  readonly room_id: string;
  readonly name: string;
  readonly owner_id: string | null;
  readonly created_at: string;
  readonly member_count: number;
  readonly max_members: number;
  readonly is_public: boolean;
  readonly is_encrypted: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const ROOM_ID = new RegExp(`^[A-Za-z0-9_-]{1,${WIRE_LIMITS.maxIdCharacters}}$`);

export function isRoomId(text: string): boolean {
  return ROOM_ID.test(text);
}

export function infoOf(record: RoomRecord, memberCount: number): RoomInfo {
  return {
    room_id: record.id,
    name: record.name,
    owner_id: record.ownerId,
    created_at: new Date(record.createdAtMs).toISOString(),
    member_count: memberCount,
    max_members: record.maxMembersCount,
    is_public: record.isPublic,
    is_encrypted: record.isEncrypted,
    metadata: record.metadata,
  };
}

/** Of a room that nobody has changed yet. `membersCount`: where it says no other. Throws `bad_request`. */
export function recordOf(room: NewRoom, membersCount: number): RoomRecord {
  const { id, name = id, maxMembersCount = membersCount, isPublic = true, metadata = {} } = room;
  if (!isRoomId(id)) {
    throw new ProtocolFailure(
      "bad_request",
      `A room_id has 1 to ${WIRE_LIMITS.maxIdCharacters} letters, digits, "_" and "-".`,
    );
  }
  if (name.length > SERVER_LIMITS.maxRoomNameCharacters) {
    throw new ProtocolFailure(
      "bad_request",
      `The name of a room has at most ${SERVER_LIMITS.maxRoomNameCharacters} characters.`,
    );
  }
  const most = Math.max(membersCount, SERVER_LIMITS.maxMembersPerRoomCount);
  if (!Number.isInteger(maxMembersCount) || maxMembersCount < 1 || maxMembersCount > most) {
    throw new ProtocolFailure("bad_request", `max_members is a whole number from 1 to ${most}.`);
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > SERVER_LIMITS.maxRoomMetadataBytes) {
    throw new ProtocolFailure(
      "bad_request",
      `The metadata of a room has at most ${SERVER_LIMITS.maxRoomMetadataBytes} bytes as JSON.`,
    );
  }
  return {
    id,
    name,
    ownerId: room.ownerId ?? null,
    createdAtMs: Date.now(),
    maxMembersCount,
    isPublic,
    isEncrypted: room.isEncrypted ?? false,
    metadata,
    roles: {},
    defaultRole: room.defaultRole ?? "editor",
    bannedUserIds: [],
    invite: isPublic ? null : newInvite(),
  };
}
