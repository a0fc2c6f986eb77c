import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";
import { Id } from "./envelope.js";
import { clearOrSealed, Sealed } from "./sealed.js";

export const RoomId = Type.String({ pattern: `^[A-Za-z0-9_-]{1,${WIRE_LIMITS.maxIdCharacters}}$` });

const Role = Type.Union([Type.Literal("owner"), Type.Literal("editor"), Type.Literal("viewer")]);

export const Epoch = Type.String({
  minLength: 1,
  maxLength: 32,
  description: "Names one life of a log; another one where entries may have been lost.",
});

const Seq = Type.Integer({ minimum: 0, description: "Place in the log, from 1; 0 is before the first." });

/** A place in a log. */
export const Position = Type.Object({ epoch: Epoch, seq: Seq });

const Member = Type.Object({
  user_id: Type.String(),
  user_name: Type.String(),
  connection_id: Type.String(),
  role: Role,
});

const RoomRun = Type.Object({
  query_id: Id,
  user_id: Type.String(),
  user_name: Type.String(),
  text: Type.String(),
  kind: Type.Union([Type.Literal("question"), Type.Literal("sparql")]),
  started_at: Type.String({ description: "ISO 8601." }),
  /** Absent while it is in progress. */
  outcome: Type.Optional(
    Type.Union([Type.Literal("completed"), Type.Literal("failed"), Type.Literal("cancelled")]),
  ),
  row_count: Type.Optional(Type.Integer()),
});

/** A room as REST tells it. */
export const RoomInfo = Type.Object({
  room_id: RoomId,
  name: Type.String(),
  owner_id: Type.Union([Type.String(), Type.Null()]),
  created_at: Type.String({ description: "ISO 8601." }),
  member_count: Type.Integer({ description: "Users, not connections." }),
  max_members: Type.Integer(),
  is_public: Type.Boolean(),
  is_encrypted: Type.Boolean({ description: "Its messages and its document are sealed by clients." }),
  metadata: Type.Record(Type.String(), Type.Unknown()),
});

export const JoinRoom = Type.Object({
  room_id: RoomId,
  invite: Type.Optional(Type.String({ maxLength: 128 })),
});

const RoomEntrance = {
  room_id: RoomId,
  room_name: Type.String(),
  member_count: Type.Integer(),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  members: Type.Array(Member, { description: "One for each connection." }),
  role: Role,
  owner_id: Type.Union([Type.String(), Type.Null()]),
  is_public: Type.Boolean(),
  max_members: Type.Integer(),
  is_encrypted: Type.Boolean({ description: "Messages, cursors and the document are sealed by clients." }),
  are_runs_encrypted: Type.Literal(false, {
    description: "Questions, queries and their rows are read by the server in every room.",
  }),
  epoch: Epoch,
  seq: Seq,
  runs: Type.Array(RoomRun, { description: "In progress, then lately ended, newest first." }),
  invite: Type.Optional(Type.String({ description: "Lets others into a private room; for its editors." })),
};

/** To who joined. */
export const RoomJoined = Type.Object(RoomEntrance);

/** The room as it is, after a gap that cannot be filled, or when its settings changed. */
export const RoomState = Type.Object({
  ...RoomEntrance,
  recovered: Type.Optional(Type.Boolean({ description: "`false` where messages were missed." })),
});

export const LeaveRoom = Type.Object({ room_id: RoomId });

/** To who left or was put out. */
export const RoomLeft = Type.Object({
  room_id: RoomId,
  reason: Type.Union([
    Type.Literal("requested"),
    Type.Literal("kicked"),
    Type.Literal("banned"),
    Type.Literal("deleted"),
  ]),
});

export const Presence = Type.Object({
  room_id: RoomId,
  user_id: Type.String(),
  user_name: Type.String(),
  connection_id: Type.String(),
  member_count: Type.Integer(),
});

export const SendRoomMessage = clearOrSealed(
  "message",
  Type.Object({
    room_id: RoomId,
    message: Type.Optional(Type.Unknown({ description: "Any JSON; handed on as it came." })),
    sealed: Type.Optional(Sealed),
  }),
);

export const RoomMessage = Type.Object({
  room_id: RoomId,
  user_id: Type.String(),
  user_name: Type.String(),
  message: Type.Optional(Type.Unknown()),
  sealed: Type.Optional(Sealed),
  erased: Type.Optional(
    Type.Literal(true, { description: "Its author had it erased: `message` is null, and nobody is named." }),
  ),
  timestamp: Type.Number({ description: "Seconds since 1970." }),
  seq: Seq,
  epoch: Epoch,
});

export const RoomHistoryRequest = Type.Object({
  room_id: RoomId,
  epoch: Type.Optional(Epoch),
  since: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: "The last seq seen." })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: WIRE_LIMITS.maxHistoryCount, default: WIRE_LIMITS.maxHistoryCount }),
  ),
});

/** Before the entries that were asked for, which follow as messages of their own types. */
export const RoomHistory = Type.Object({
  room_id: RoomId,
  epoch: Epoch,
  since: Seq,
  seq: Type.Integer({ description: "Of the last entry that follows; equals `since` where none does." }),
  /** `false`: entries after `since` are not kept any more, or the epoch is another; a `room_state` follows. */
  recovered: Type.Boolean(),
  more: Type.Boolean({ description: "There are entries after `seq`." }),
});

/** Asked by an owner. */
export const ChangeRoomMember = Type.Object({
  room_id: RoomId,
  user_id: Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters }),
  action: Type.Union([
    Type.Literal("role"),
    Type.Literal("kick"),
    Type.Literal("ban"),
    Type.Literal("unban"),
  ]),
  role: Type.Optional(Role),
});

/** Asked by who may invite: the owner and editors of a private room. */
export const ChangeRoomInvite = Type.Object({
  room_id: RoomId,
  action: Type.Union([Type.Literal("make"), Type.Literal("rotate"), Type.Literal("revoke")], {
    description: "`make`: where there is none. `rotate`: another one; the one before is good no more.",
  }),
});

/** To who may invite, when it has changed or was asked for. */
export const RoomInvite = Type.Object({
  room_id: RoomId,
  invite: Type.Union([Type.String(), Type.Null()], { description: "`null`: nobody is let in by one." }),
});

/** Asked by its owner or an admin. */
export const DeleteRoom = Type.Object({ room_id: RoomId });

/** To who asked for it. */
export const RoomDeleted = Type.Object({ room_id: RoomId });

export const RoomMemberUpdate = Type.Object({
  room_id: RoomId,
  user_id: Type.String(),
  action: Type.Union([
    Type.Literal("role"),
    Type.Literal("kick"),
    Type.Literal("ban"),
    Type.Literal("unban"),
  ]),
  role: Type.Optional(Role),
  by_user_id: Type.String(),
});
