import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";
import { Epoch, RoomId } from "./rooms.js";
import { clearOrSealed, Sealed } from "./sealed.js";

export const Typing = Type.Object({ room_id: RoomId, is_typing: Type.Boolean() });

const Origin = {
  room_id: RoomId,
  user_id: Type.String(),
  user_name: Type.String(),
  connection_id: Type.String(),
};

export const TypingIndicator = Type.Object({ ...Origin, is_typing: Type.Boolean() });

/** Where somebody is: whatever the clients agree on, for example `{line, column}`. */
export const MoveCursor = Type.Object({
  room_id: RoomId,
  position: Type.Optional(Type.Unknown()),
  selection: Type.Optional(Type.Unknown()),
  sealed: Type.Optional(Sealed),
});

/** Further members of the request are handed on. */
export const CursorPosition = Type.Object({
  ...Origin,
  position: Type.Optional(Type.Unknown()),
  selection: Type.Optional(Type.Unknown()),
  sealed: Type.Optional(Sealed),
});

/** An update of Yjs (version 1): base64 in JSON, bytes in MessagePack. */
const Update = Type.Unsafe<string | Uint8Array>(
  Type.Refine(
    Type.Unknown({ description: "A Yjs update, version 1: base64 in JSON, bytes in MessagePack." }),
    (value) => typeof value === "string" || value instanceof Uint8Array,
    () => "must be base64 (JSON) or bytes (MessagePack)",
  ),
);

/** `sealed` takes the place of `update` in encrypted rooms; so it does in the next three. */
export const SendDocumentUpdate = clearOrSealed(
  "update",
  Type.Object({ room_id: RoomId, update: Type.Optional(Update), sealed: Type.Optional(Sealed) }),
);

/** Asks for the document as it is now. */
export const DocumentRequest = Type.Object({ room_id: RoomId });

export const DocumentUpdate = Type.Object({
  ...Origin,
  update: Type.Optional(Update),
  sealed: Type.Optional(Sealed),
  seq: Type.Integer({ minimum: 0 }),
  epoch: Epoch,
  whole: Type.Optional(Type.Boolean({ description: "The whole document as of `seq`, in one update." })),
});

export const SendAwarenessUpdate = clearOrSealed(
  "update",
  Type.Object({ room_id: RoomId, update: Type.Optional(Update), sealed: Type.Optional(Sealed) }),
);

export const AwarenessUpdate = Type.Object({
  ...Origin,
  update: Type.Optional(Update),
  sealed: Type.Optional(Sealed),
});

const Seq = Type.Integer({ minimum: 0 });

/** A snapshot of the sealed document of an encrypted room, or a part of it. */
export const StoreSnapshot = Type.Object({
  room_id: RoomId,
  epoch: Epoch,
  seq: Type.Integer({ minimum: 1, description: "The entry up to which it holds every update." }),
  sealed: Sealed,
  part: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: WIRE_LIMITS.maxSnapshotPartsCount - 1,
      default: 0,
      description: "Which part of the sealed bytes this is, from 0; they come in order.",
    }),
  ),
  part_count: Type.Optional(
    Type.Integer({ minimum: 1, maximum: WIRE_LIMITS.maxSnapshotPartsCount, default: 1 }),
  ),
});

const SealedByOrigin = { user_id: Type.String(), user_name: Type.String(), connection_id: Type.String() };

/** The sealed document as of `seq`: the latest snapshot, and the updates after it. */
export const SealedDocument = Type.Object({
  room_id: RoomId,
  epoch: Epoch,
  seq: Seq,
  snapshot: Type.Union([Type.Object({ ...SealedByOrigin, seq: Seq, sealed: Sealed }), Type.Null()]),
  updates: Type.Array(Type.Object({ ...SealedByOrigin, seq: Seq, sealed: Sealed })),
});

export const SnapshotWanted = Type.Object({
  room_id: RoomId,
  epoch: Epoch,
  seq: Seq,
  update_count: Type.Integer({ description: "That wait to be covered by a snapshot." }),
});

export const SnapshotStored = Type.Object({ room_id: RoomId, epoch: Epoch, seq: Seq });
