import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import { createTextReplica } from "../../../packages/server/src/documents/testing/text-replica.js";
import type { Told } from "./model.js";

/** What the server draws by lot, by the names that the model has for it. */
export interface Names {
  /** The next connection has come. */
  connected(connectionId: string): void;
  connectionOf(id: string): string;
  created(realEpoch: string, epoch: string): void;
  epochOf(real: string): string;
  /** The other way round; one that is unknown is its own. */
  epochNamed(epoch: string): string;
  /** By room; `null` of one that is public. */
  readonly invites: Map<string, string | null>;
}

export function createNames(): Names {
  const connections = new Map<string, string>();
  const epochs = new Map<string, string>();
  return {
    connected: (id) => void connections.set(id, `connection ${connections.size + 1}`),
    connectionOf: (id) => connections.get(id) ?? id,
    created: (realEpoch, epoch) => void epochs.set(realEpoch, epoch),
    epochOf: (real) => epochs.get(real) ?? `unknown ${real}`,
    epochNamed: (epoch) => [...epochs].find(([, name]) => name === epoch)?.[0] ?? epoch,
    invites: new Map(),
  };
}

/** What the model predicts of a message. `roomId`: in whose order it stands; `null` where in none. */
export function factsOf(
  message: ServerMessage,
  names: Names,
): { readonly roomId: string | null; readonly facts: Told } {
  const { type, correlation_id: to } = message;
  const inRoom = ({ room_id: roomId }: { readonly room_id: string }, facts: object) => ({
    roomId,
    facts: { type, ...facts },
  });
  switch (message.type) {
    case "connection_ack": {
      const { connection_id: id, user_id: user } = message.payload;
      return { roomId: null, facts: { type, connection: names.connectionOf(id), user } };
    }
    case "resumed":
      return { roomId: null, facts: { type, ...returnFacts(message.payload, names) } };
    case "join_room":
      return inRoom(message.payload, { to, ...entranceFacts(message.payload, names) });
    case "room_state": {
      const { recovered } = message.payload;
      return inRoom(message.payload, { recovered, ...entranceFacts(message.payload, names) });
    }
    case "user_joined":
    case "user_left": {
      const { connection_id: id, user_id: user, member_count: count } = message.payload;
      return inRoom(message.payload, { connection: names.connectionOf(id), user, count });
    }
    case "leave_room":
      return inRoom(message.payload, { reason: message.payload.reason, to });
    case "ack":
      return inRoom(message.payload, {
        ...{ id: message.payload.message_id, to, ...placeFacts(message.payload, names) },
      });
    case "room_message": {
      const { user_id: user, message: body } = message.payload;
      return inRoom(message.payload, { user, message: body, ...placeFacts(message.payload, names) });
    }
    case "document_update":
      return inRoom(message.payload, documentFacts(message.payload, names));
    case "room_member_update": {
      const { user_id: user, action, by_user_id: by, role } = message.payload;
      return inRoom(message.payload, { user, action, by, role });
    }
    case "typing_indicator": {
      const { connection_id: id, user_id: user, is_typing: isTyping } = message.payload;
      return inRoom(message.payload, { connection: names.connectionOf(id), user, isTyping });
    }
    case "error_message": {
      const { code, room_id: room } = message.payload;
      return { roomId: null, facts: { type, code, room, to } };
    }
    default:
      return { roomId: null, facts: { type } };
  }
}

function placeFacts({ epoch, seq }: { readonly epoch: string; readonly seq: number }, names: Names) {
  return { epoch: names.epochOf(epoch), seq };
}

function returnFacts(payload: ServerPayloads["resumed"], names: Names) {
  const rooms = Object.entries(payload.rooms).map(([id, { recovered, code }]) => [
    id,
    recovered ? "recovered" : code,
  ]);
  return {
    ...{ connection: names.connectionOf(payload.connection_id), user: payload.user_id },
    ...{ isSession: payload.session, rooms: Object.fromEntries(rooms) },
  };
}

function entranceFacts(payload: ServerPayloads["join_room"], names: Names) {
  return {
    count: payload.member_count,
    members: payload.members.map(({ connection_id: id, user_id: user, role }) => [
      names.connectionOf(id),
      user,
      role,
    ]),
    role: payload.role,
    owner: payload.owner_id,
    isPublic: payload.is_public,
    max: payload.max_members,
    ...placeFacts(payload, names),
    isInviteTold: payload.invite !== undefined && payload.invite === names.invites.get(payload.room_id),
  };
}

function documentFacts(payload: ServerPayloads["document_update"], names: Names) {
  const { user_id: user, connection_id: id, whole, update } = payload;
  const facts = { user, connection: names.connectionOf(id), ...placeFacts(payload, names) };
  if (whole !== true) return facts;
  const replica = createTextReplica();
  replica.take(typeof update === "string" ? Buffer.from(update, "base64") : (update ?? Buffer.alloc(0)));
  return { ...facts, whole, text: replica.text };
}
