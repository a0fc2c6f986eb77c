import { assertBoundedNesting, ProtocolFailure, type Violation, WIRE_LIMITS } from "@sparql-live/protocol";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { SERVER_LIMITS } from "../limits.js";
import type { NewRoom } from "../realtime/rooms/room-record.js";

const UserId = Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters });

const IN_BOTH = {
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: SERVER_LIMITS.maxRoomNameCharacters,
      description: "Default: the room_id.",
    }),
  ),
  max_members: Type.Optional(
    Type.Integer({ minimum: 1, description: "Users. Default: the setting maxMembersPerRoom, 50." }),
  ),
  is_encrypted: Type.Optional(
    Type.Boolean({
      description:
        "Default false. Messages, cursors and the document are sealed by clients; queries and their rows are not.",
    }),
  ),
  is_public: Type.Optional(
    Type.Boolean({ description: "Default true. A private room is listed nowhere and wants an invitation." }),
  ),
};

const RoomId = Type.String({
  minLength: 1,
  description: `1 to ${WIRE_LIMITS.maxIdCharacters} letters, digits, "_" and "-".`,
});

/** In the address, where numbers and truth values are texts. */
export const NewRoomQuery = Type.Object({
  room_id: Type.Optional(RoomId),
  ...IN_BOTH,
  user_id: Type.Optional(Type.String({ ...UserId, description: "Who makes the room, and owns it." })),
});

/** In a JSON body. A member that is `null` counts as absent. */
export const NewRoomBody = Type.Object({
  room_id: Type.Optional(RoomId),
  ...IN_BOTH,
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: `Whatever the application agrees on; at most ${SERVER_LIMITS.maxRoomMetadataBytes} bytes as JSON.`,
    }),
  ),
  owner_id: Type.Optional(Type.String({ ...UserId, description: "Default: the user_id of the address." })),
  default_role: Type.Optional(
    Type.Union([Type.Literal("editor"), Type.Literal("viewer")], {
      default: "editor",
      description: "Of members that have no role of their own.",
    }),
  ),
});

type Wanted = Static<typeof NewRoomQuery> & Static<typeof NewRoomBody>;

const bodyValidator = Compile(NewRoomBody);
const MAX_VIOLATIONS = 8;

/** From the address, the body or both. Throws `bad_request`, and `bad_message` where metadata nest too deeply. */
export function readNewRoom(query: Static<typeof NewRoomQuery>, body: unknown): NewRoom {
  const inBody = readBody(body);
  for (const name of Object.keys(inBody)) {
    if (Object.hasOwn(query, name)) {
      throw new ProtocolFailure(
        "bad_request",
        `\`${name}\` stands in the body and in the address; give one.`,
      );
    }
  }
  const wanted: Wanted = { ...query, ...inBody };
  if (wanted.room_id === undefined) {
    throw new ProtocolFailure("bad_request", "Say which `room_id` the room is to have.");
  }
  const { user_id: userId, owner_id: ownerId = userId, metadata } = wanted;
  if (userId !== undefined && ownerId !== userId) {
    throw new ProtocolFailure("bad_request", "`owner_id` and `user_id` name different users; give one.");
  }
  // As deep as it is in a message to those who join.
  if (metadata !== undefined) assertBoundedNesting({ payload: { metadata } });
  return {
    id: wanted.room_id,
    ownerId: ownerId ?? null,
    ...(wanted.name === undefined ? {} : { name: wanted.name }),
    ...(wanted.max_members === undefined ? {} : { maxMembersCount: wanted.max_members }),
    ...(wanted.is_public === undefined ? {} : { isPublic: wanted.is_public }),
    ...(wanted.is_encrypted === undefined ? {} : { isEncrypted: wanted.is_encrypted }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(wanted.default_role === undefined ? {} : { defaultRole: wanted.default_role }),
  };
}

function readBody(body: unknown): Static<typeof NewRoomBody> {
  if (body === undefined || body === null) return {};
  if (typeof body !== "object" || Array.isArray(body)) {
    throw new ProtocolFailure("bad_request", 'The body must be an object such as {"room_id": "lab"}.');
  }
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  if (bodyValidator.Check(given)) return given;
  const violations: Violation[] = [];
  for (const { instancePath, message } of bodyValidator.Errors(given)) {
    if (violations.length === MAX_VIOLATIONS) break;
    violations.push({ path: instancePath, message });
  }
  const first = violations[0];
  throw new ProtocolFailure("bad_request", `body${first?.path ?? ""} ${first?.message ?? ""}`, violations);
}
