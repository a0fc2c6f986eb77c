import Type from "typebox";
import { Epoch, RoomId } from "./rooms.js";

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
});

/** Further members of the request are handed on. */
export const CursorPosition = Type.Object({
  ...Origin,
  position: Type.Optional(Type.Unknown()),
  selection: Type.Optional(Type.Unknown()),
});

/** An update of Yjs (version 1): base64 in JSON, bytes in MessagePack. */
const Update = Type.Unsafe<string | Uint8Array>(
  Type.Refine(
    Type.Unknown({ description: "A Yjs update, version 1: base64 in JSON, bytes in MessagePack." }),
    (value) => typeof value === "string" || value instanceof Uint8Array,
    () => "must be base64 (JSON) or bytes (MessagePack)",
  ),
);

export const SendDocumentUpdate = Type.Object({ room_id: RoomId, update: Update });

export const DocumentUpdate = Type.Object({
  ...Origin,
  update: Update,
  seq: Type.Integer({ minimum: 0 }),
  epoch: Epoch,
  whole: Type.Optional(Type.Boolean({ description: "The whole document as of `seq`, in one update." })),
});

export const SendAwarenessUpdate = Type.Object({ room_id: RoomId, update: Update });

export const AwarenessUpdate = Type.Object({ ...Origin, update: Update });
