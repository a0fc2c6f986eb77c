import type { FanOut } from "../fan-out.js";
import { type Outgoing, type OutgoingPayload, typeOf } from "../outgoing.js";
import type { Peer } from "../peer.js";
import { type SharedMessage, shareAny } from "../shared-message.js";

/** What a room tells its members and keeps in no log: who is away does not get it later. */
export interface RoomNotices {
  /**
   * Who came, whose role changed, what the application tells: in order with what is in the log. Returns to how many
   * it went.
   */
  tell<T extends Outgoing>(what: T, payload: OutgoingPayload<T>, options?: TellOptions): number;
  /** What is told at most once: of a kind and a peer the latest is sent. */
  tellEphemeral(peer: Peer, kind: EphemeralKind, message: SharedMessage): void;
  /** The message id of the next ephemeral message of a peer. */
  ephemeralId(peer: Peer): string;
  /** By whom something ephemeral is. */
  originOf(peer: Peer): NoticeOrigin;
}

type EphemeralKind = "typing_indicator" | "cursor_position" | "awareness_update";

interface TellOptions {
  readonly correlationId?: string | undefined;
  /** Does not get it. */
  readonly except?: Peer | null;
}

interface NoticeOrigin {
  readonly room_id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly connection_id: string;
}

/** `epoch`: that of the room's log, now. */
export function createRoomNotices(roomId: string, fanOut: FanOut, epoch: () => string): RoomNotices {
  let count = 0;
  return {
    tell(what, payload, { correlationId, except } = {}) {
      const messageId = `${roomId}:${epoch()}:n${++count}-${process.pid}`;
      return fanOut.send(shareAny(typeOf(what), payload, { messageId, correlationId }), except ?? undefined);
    },
    tellEphemeral(peer, kind, message) {
      fanOut.sendEphemeral(`${kind}:${roomId}:${peer.id}`, message, peer);
    },
    ephemeralId: (peer) => `${peer.id}:e${++count}`,
    originOf: (peer) => ({
      room_id: roomId,
      user_id: peer.user.id,
      user_name: peer.user.name,
      connection_id: peer.id,
    }),
  };
}
