import { FAILURES, ProtocolFailure, type ServerMessageType } from "@sparql-live/protocol";
import type { ConnectionInfo } from "@sparql-live/protocol/admin";
import type { MessageDefinition } from "@sparql-live/protocol/validate";
import type { Revocation, Revocations } from "../auth/revocations.js";
import { SERVER_LIMITS } from "../limits.js";
import { connectionInfoOf } from "../metrics/connection-info.js";
import type { Broadcasts } from "./broadcasts.js";
import type { Hub } from "./hub.js";
import type { Mailboxes } from "./mailboxes.js";
import { type DeliveryOptions, type Outgoing, type OutgoingPayload, typeOf } from "./outgoing.js";
import type { Peer } from "./peer.js";
import { SERVER_AUTHOR } from "./rooms/entries.js";
import type { NewRoom, RoomInfo } from "./rooms/room-record.js";
import type { Rooms } from "./rooms/rooms.js";
import { sealRequired } from "./rooms/sealed-payload.js";
import { takesMessages } from "./session.js";
import type { Sessions } from "./sessions.js";

export interface RoomMessageOptions extends DeliveryOptions {
  /** In whose name. Default: the server's own, `sparql-live`. */
  readonly author?: { readonly userId: string; readonly userName: string };
  /** The same id of the same author is stored once: to send again what may have been sent. Default: none. */
  readonly messageId?: string | undefined;
}

/** What can be sent to a room; its document is not written by messages. */
export type RoomOutgoing =
  | Exclude<ServerMessageType, "document_update" | "document_snapshot">
  | MessageDefinition;

export type RoomPayload<T extends RoomOutgoing> = T extends "room_message"
  ? { readonly message: unknown }
  : OutgoingPayload<T>;

export type RoomDeliveryOptions<T extends RoomOutgoing> = T extends "room_message"
  ? RoomMessageOptions
  : DeliveryOptions;

export interface DisconnectOptions {
  /** Of the close frame: 1000 to 1014 as RFC 6455 allows them, or 3000 to 4999. Default 4403. */
  readonly code?: number;
  /** A hint when to come back, in milliseconds. Default: none. */
  readonly retryAfterMs?: number;
}

export interface Page {
  /** Default 0. */
  readonly offset?: number;
  /** Default 100. */
  readonly limit?: number;
}

/** What an application does by itself, without having been asked by a message. */
export interface Controls {
  /** Returns 1, or 0 where no such connection has a socket. */
  sendToConnection<T extends Outgoing>(
    connectionId: string,
    what: T,
    payload: OutgoingPayload<T>,
    options?: Pick<DeliveryOptions, "correlationId">,
  ): number;
  /**
   * To all connections of a user. Settles, once it is queued, with how many there are; it waits for a user who is
   * away, unless the server keeps no messages. Throws `storage_full` and `unavailable`.
   */
  sendToUser<T extends Outgoing>(
    userId: string,
    what: T,
    payload: OutgoingPayload<T>,
    options?: DeliveryOptions,
  ): Promise<number>;
  /**
   * To the members of a room. A `room_message` is stored in the room's log, gets its place in the order, and is there
   * for those who come back; `exclude` then gets its acknowledgement. Any other type stands in the same order, but is
   * in no log. Settles with how many connections here it went to. Throws `room_not_found`, `storage_full`,
   * `unavailable` and `feature_unavailable`.
   */
  sendToRoom<T extends RoomOutgoing>(
    roomId: string,
    what: T,
    payload: RoomPayload<T>,
    options?: RoomDeliveryOptions<T>,
  ): Promise<number>;
  /**
   * To every connection, and for ten minutes to those that come back. The payload gets `epoch` and `seq` in
   * addition. Settles, once it is stored, with how many connections here it went to.
   */
  broadcast<T extends Outgoing>(
    what: T,
    payload: OutgoingPayload<T>,
    options?: DeliveryOptions,
  ): Promise<number>;
  /**
   * Sends what is queued, closes, and ends the session: it is out of its rooms at once and cannot be resumed. Returns
   * whether there was such a connection. Throws a `RangeError` for a code that no endpoint may send.
   */
  disconnect(connectionId: string, options?: DisconnectOptions): boolean;
  /** The same for all connections of a user, also those that are lost and may come back. Returns how many there were. */
  disconnectUser(userId: string): number;
  /**
   * From the call on what is revoked proves nothing any more: connections that it let in are closed with 4401, and
   * their sessions are over. Settles, once it is stored, with how many connections here were closed. In the open mode
   * whoever is put out may come again. Throws `bad_request`, `storage_full`, `unavailable`.
   */
  revoke(revocation: Revocation): Promise<number>;
  /** Throws `bad_request`, `room_exists`, `too_many_rooms`, `feature_unavailable`. */
  createRoom(room: NewRoom): Promise<RoomInfo>;
  /** Its members are told. Throws `room_not_found`, `feature_unavailable`. */
  deleteRoom(roomId: string): Promise<void>;
  /**
   * Puts a connection into a room, also into a private one. Throws `bad_request` where the connection is not there,
   * `room_not_found` (also for who is banned), `room_full`, `too_many_rooms`, `feature_unavailable`.
   */
  joinRoom(connectionId: string, roomId: string): Promise<void>;
  /** Throws `bad_request` where the connection is not there, `not_in_room`, `feature_unavailable`. */
  leaveRoom(connectionId: string, roomId: string): Promise<void>;
  /** Also of one that lost its socket and may come back; `null` where there is none. */
  connectionInfo(connectionId: string): ConnectionInfo | null;
  /** `null` where there is none. Throws `feature_unavailable`. */
  roomInfo(roomId: string): Promise<RoomInfo | null>;
  /** Oldest first. Throws `feature_unavailable`. */
  listRooms(page?: Page): Promise<readonly RoomInfo[]>;
}

export interface ControlsDeps {
  readonly hub: Hub;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly mailboxes: Mailboxes;
  readonly broadcasts: Broadcasts;
  readonly authentication: { readonly revocations: Revocations };
}

export function createControls(deps: ControlsDeps): Controls {
  const { hub, sessions, rooms, mailboxes, broadcasts } = deps;
  const connected = (connectionId: string): Peer => {
    const peer = hub.get(connectionId);
    if (peer !== undefined) return peer;
    throw new ProtocolFailure("bad_request", `There is no connection "${connectionId}".`);
  };
  /** Who is not in it need not be left out. */
  const memberOf = (members: ReadonlySet<Peer>, connectionId: string | undefined): Peer | null => {
    const peer = connectionId === undefined ? undefined : hub.get(connectionId);
    return peer !== undefined && members.has(peer) ? peer : null;
  };

  const disconnect: Controls["disconnect"] = (
    connectionId,
    { code = FAILURES.disconnected.close, retryAfterMs } = {},
  ) => {
    if (!isCloseCode(code)) throw new RangeError(`${code} is no code that a connection may be closed with.`);
    const peer = sessions.get(connectionId);
    if (peer === undefined) return false;
    sessions.revoke(peer);
    if (peer.link === null) {
      sessions.remove(peer);
      return true;
    }
    rooms.abandon(peer);
    peer.close("disconnected", code, retryAfterMs);
    return true;
  };

  return {
    sendToConnection(connectionId, what, payload, options) {
      const peer = hub.get(connectionId);
      if (peer === undefined || !takesMessages(peer.session)) return 0;
      peer.send(what, payload, options);
      return 1;
    },
    sendToUser: (userId, what, payload, options) => mailboxes.send(userId, typeOf(what), payload, options),
    async sendToRoom(roomId, what, payload, options = {}) {
      const room = await rooms.open(roomId);
      const { correlationId } = options;
      const except = memberOf(room.fanOut.members, options.exclude);
      // Payload and options are tied to `what` by its type, which comparing it does not narrow.
      if (what !== "room_message") {
        return room.notices.tell(what, payload as OutgoingPayload<typeof what>, { correlationId, except });
      }
      // What the application says is clear, and whoever runs the server could read it.
      if (room.record.isEncrypted) throw sealRequired(roomId);
      const { message } = payload as RoomPayload<"room_message">;
      const { author = SERVER_AUTHOR, messageId } = options as RoomMessageOptions;
      const { recipientsCount } = await room.log.append(
        except,
        { messageId, correlationId: messageId },
        {
          kind: "message",
          author: { ...author, connectionId: except?.id ?? SERVER_AUTHOR.connectionId },
          message,
          correlationId,
        },
      );
      return recipientsCount;
    },
    broadcast: (what, payload, options) => broadcasts.send(typeOf(what), payload, options),
    disconnect,
    disconnectUser(userId) {
      const lost = [...sessions.lost()].filter(({ user }) => user.id === userId);
      return [...hub.ofUser(userId), ...lost].filter(({ id }) => disconnect(id)).length;
    },
    revoke: (revocation) => revoke(revocation, deps),
    createRoom: async (room) => rooms.info(await rooms.create(room)),
    deleteRoom: (roomId) => rooms.delete(roomId),
    async joinRoom(connectionId, roomId) {
      const peer = connected(connectionId);
      const { record } = await rooms.open(roomId);
      await rooms.join(peer, roomId, { invite: record.invite ?? undefined });
    },
    async leaveRoom(connectionId, roomId) {
      const peer = connected(connectionId);
      await rooms.settled(peer, roomId);
      await rooms.leave(peer, roomId, "requested");
    },
    connectionInfo(connectionId) {
      const peer = sessions.get(connectionId);
      return peer === undefined ? null : connectionInfoOf(peer);
    },
    async roomInfo(roomId) {
      const record = await rooms.find(roomId);
      return record === null ? null : rooms.info(record);
    },
    async listRooms({ offset = 0, limit = SERVER_LIMITS.roomsPerPageCount } = {}) {
      const records = await rooms.list({ offset, limit });
      return Promise.all(records.map((record) => rooms.info(record)));
    },
  };
}

async function revoke(
  revocation: Revocation,
  { hub, sessions, rooms, authentication: { revocations } }: ControlsDeps,
): Promise<number> {
  const storing = revocations.add(revocation);
  const isAffected = ({ identity, user }: Peer) =>
    identity === null
      ? "userId" in revocation && user.id === revocation.userId
      : revocations.isRevoked(identity);
  const lost = [...sessions.lost()].filter(isAffected);
  for (const peer of lost) sessions.remove(peer);
  const live = [...hub.all()].filter(isAffected);
  for (const peer of live) {
    sessions.revoke(peer);
    rooms.abandon(peer);
    peer.cut("token_revoked", FAILURES.token_revoked.close, true);
  }
  await storing;
  return live.length;
}

/** RFC 6455, section 7.4: 1004 to 1006 and 1015 never stand in a frame; 3000 to 4999 are free. */
function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}
