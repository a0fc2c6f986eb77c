import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import { abortOf, leftError, SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { RefusalMessage } from "../messages.js";
import type { Outbox, OutboxEntry, Place } from "../outbox.js";
import { type WaitOptions, withinTime } from "../waiting.js";
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
  /** Tells a message about a room. */
  take(roomId: string, message: ServerMessage): void;
  /** Whether the error was the answer to something that a room asked. */
  refused(message: RefusalMessage): boolean;
  transmit(entry: OutboxEntry, isWanted: () => boolean): boolean | Promise<boolean>;
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
  /** How many wait for the room to be entered: it is given up with the last of them. */
  const waitingCounts = new WeakMap<RoomControl, number>();
  /** Calls are numbered: who waits to enter a room again is taken back by a later leaving, or by the end. */
  let callCount = 0;
  const lastLeaves = new WeakMap<RoomControl, number>();
  let end: { readonly call: number; readonly error: SparqlLiveError } | null = null;

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

  const wait = (control: RoomControl, change: number): number => {
    const count = (waitingCounts.get(control) ?? 0) + change;
    waitingCounts.set(control, count);
    return count;
  };

  const join = async (roomId: string, more: JoinOptions): Promise<Room> => {
    const { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs } = more;
    const over = options.refusal() ?? abortOf(signal) ?? idRefusal(roomId);
    if (over !== null) throw over;
    const call = ++callCount;
    let control: RoomControl | undefined;
    let isGivenUp = false;
    const entering = async () => {
      const known = controls.get(roomId);
      const isUnsealed = known?.sealer === null && more.secret !== undefined;
      if (known !== undefined && (isUnsealed || !known.isWanted)) {
        // It is on the way out, or was entered without the secret, as by its address: it has to be out first.
        await known.room.leave();
        if (end !== null && end.call > call) throw end.error;
        if (isGivenUp || (lastLeaves.get(known) ?? 0) > call) throw leftError(roomId, "requested");
      }
      control = controls.get(roomId) ?? open(roomId, more);
      wait(control, 1);
      return control.entered;
    };
    try {
      return await withinTime(
        entering(),
        { signal, timeoutMs },
        `The room "${roomId}" was not entered in time.`,
      );
    } catch (error) {
      isGivenUp = true;
      const isLast = control !== undefined && wait(control, -1) === 0;
      if (isLast && control?.room.position === null) control.room.leave().catch(() => undefined);
      throw error;
    }
  };

  return {
    join: (roomId, more = {}) => join(roomId, more),
    async leave(roomId) {
      const control = controls.get(roomId);
      if (control !== undefined) lastLeaves.set(control, ++callCount);
      await control?.room.leave();
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
    take(roomId, message) {
      // The address of a room joins without being asked.
      const control = controls.get(roomId) ?? (message.type === "join_room" ? open(roomId, {}) : undefined);
      if (control === undefined) tell(message);
      else control.take(message);
    },
    refused(message) {
      for (const control of [...controls.values()]) if (control.refused(message)) return true;
      return false;
    },
    transmit({ messageId, roomId, kind, body }, isWanted) {
      const control = controls.get(roomId);
      const sealer: Sealer | null = control?.sealer ?? null;
      if (control?.isLocked) {
        const text = `The room "${roomId}" is encrypted; join it with its secret.`;
        throw new SparqlLiveError("seal_required", text, { roomId });
      }
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
            isWanted() &&
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
      end = { call: ++callCount, error };
      for (const control of [...controls.values()]) control.end(error.code, error);
    },
  };
}

function idRefusal(roomId: string): SparqlLiveError | null {
  if (typeof roomId === "string" && /^[\w-]{1,128}$/.test(roomId)) return null;
  const text = "The id of a room has 1 to 128 letters, digits, `_` and `-`.";
  return new SparqlLiveError("invalid_message", text, { roomId });
}

function inCodec(body: unknown, isBinary: boolean): string | Uint8Array {
  return isBinary ? updateBytes(body) : String(body);
}
