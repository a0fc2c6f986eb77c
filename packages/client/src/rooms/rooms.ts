import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { RefusalMessage } from "../messages.js";
import type { Outbox, OutboxEntry, Place } from "../outbox.js";
import { type WaitOptions, withinTime } from "../requests.js";
import { createRoom, updateBytes } from "./create-room.js";
import type { Room, RoomControl, RoomOptions } from "./room.js";
import { createSealer, type Sealer, sealedJson } from "./seal.js";

export interface JoinOptions extends WaitOptions {
  /** Lets into a private room. */
  readonly invite?: string | undefined;
  /** Of an encrypted room: 43 characters, from the fragment of its link. It is sent to nobody. */
  readonly secret?: string | undefined;
}

/** The rooms that the client is in, or wants to be in. */
export interface Rooms {
  join(roomId: string, options?: JoinOptions): Promise<Room>;
  leave(roomId: string): Promise<void>;
  get(roomId: string): Room | undefined;
  isJoined(roomId: string): boolean;
  /** For `resume`. */
  positions(): Record<string, Place>;
  /** Whether the message was about a room, and was told. */
  take(message: ServerMessage): boolean;
  /** Whether the error was the answer to something that a room asked. */
  refused(message: RefusalMessage): boolean;
  transmit(entry: OutboxEntry): boolean | Promise<boolean>;
  lost(): void;
  resumed(outcomes: ServerPayloads["resumed"]["rooms"]): void;
  ready(): void;
  endAll(error: SparqlLiveError): void;
}

export interface RoomsOptions extends Omit<RoomOptions, "id" | "invite" | "sealer" | "outbox"> {
  readonly outbox: () => Outbox;
  /** Whether the codec carries bytes as they are. */
  readonly isBinary: boolean;
  /** Why no room could be entered any more, where that is so. */
  readonly refusal: () => SparqlLiveError | null;
}

export function createRooms(options: RoomsOptions): Rooms {
  const { send, tell, isBinary } = options;
  const controls = new Map<string, RoomControl>();

  const open = (id: string, { invite, secret }: JoinOptions): RoomControl => {
    const sealer = secret === undefined ? null : createSealer(secret, id, isBinary);
    const control = createRoom({ ...options, id, invite, sealer, outbox: options.outbox() });
    controls.set(id, control);
    control.room.on("left", () => {
      if (controls.get(id) === control) controls.delete(id);
    });
    if (options.isReady()) control.ready();
    return control;
  };

  const join = async (roomId: string, more: JoinOptions): Promise<Room> => {
    const over = options.refusal();
    if (over !== null) throw over;
    const known = controls.get(roomId);
    // It is on the way out: it has to be out first.
    if (known !== undefined && !known.isWanted) await known.room.leave();
    const control = controls.get(roomId) ?? open(roomId, more);
    const { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs } = more;
    try {
      return await withinTime(
        control.entered,
        { signal, timeoutMs },
        `The room "${roomId}" was not entered in time.`,
      );
    } catch (error) {
      if (!control.isJoined) control.room.leave().catch(() => undefined);
      throw error;
    }
  };

  return {
    join: (roomId, more = {}) => join(roomId, more),
    async leave(roomId) {
      await controls.get(roomId)?.room.leave();
    },
    get: (roomId) => controls.get(roomId)?.room,
    isJoined: (roomId) => controls.get(roomId)?.isJoined === true,
    positions() {
      const positions: Record<string, Place> = {};
      for (const [id, { room, isWanted }] of controls) {
        const { position } = room;
        // Names of rooms are a peer's choice.
        if (isWanted && position !== null) {
          Object.defineProperty(positions, id, { value: position, enumerable: true });
        }
      }
      return positions;
    },
    take(message) {
      const roomId = roomIdOf(message);
      if (roomId === undefined) return false;
      // The address of a room joins without being asked.
      const control = controls.get(roomId) ?? (message.type === "join_room" ? open(roomId, {}) : undefined);
      if (control === undefined) tell(message);
      else control.take(message);
      return true;
    },
    refused(message) {
      for (const control of [...controls.values()]) if (control.refused(message)) return true;
      return false;
    },
    transmit({ messageId, roomId, kind, body }) {
      const sealer: Sealer | null = controls.get(roomId)?.sealer ?? null;
      const framing = { message_id: messageId };
      if (sealer === null) {
        return kind === "message"
          ? send("room_message", { room_id: roomId, message: body ?? null }, framing)
          : send("document_update", { room_id: roomId, update: inCodec(body, isBinary) }, framing);
      }
      const plaintext = kind === "message" ? sealedJson(body) : updateBytes(body);
      return sealer
        .seal(kind, plaintext, options.self().userId, messageId)
        .then(
          (sealed) =>
            options.isReady() &&
            send(
              kind === "message" ? "room_message" : "document_update",
              { room_id: roomId, sealed },
              framing,
            ),
        );
    },
    lost() {
      for (const control of controls.values()) control.lost();
    },
    resumed(outcomes) {
      for (const [id, control] of [...controls]) {
        control.resumed(Object.hasOwn(outcomes, id) ? outcomes[id] : undefined);
      }
    },
    ready() {
      for (const control of controls.values()) control.ready();
    },
    endAll(error) {
      for (const control of [...controls.values()]) control.end(error.code, error);
    },
  };
}

function inCodec(body: unknown, isBinary: boolean): string | Uint8Array {
  return isBinary ? updateBytes(body) : String(body);
}

const ROOM_TYPES: ReadonlySet<string> = new Set<ServerMessage["type"]>([
  "join_room",
  "leave_room",
  "user_joined",
  "user_left",
  "room_state",
  "room_message",
  "room_history",
  "room_member_update",
  "typing_indicator",
  "cursor_position",
  "document_update",
  "document_snapshot",
  "snapshot_wanted",
  "snapshot_stored",
  "awareness_update",
  "ack",
]);

function roomIdOf({ type, payload }: ServerMessage): string | undefined {
  return ROOM_TYPES.has(type) && "room_id" in payload ? payload.room_id : undefined;
}
