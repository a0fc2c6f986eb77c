import type { ServerMessage } from "@sparql-live/protocol";
import { SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Acknowledgement, AddOptions } from "../outbox.js";
import { type WaitOptions, withinTime } from "../requests.js";
import type { Rooms, RoomsOptions } from "./rooms.js";

/** The rooms, whose code is loaded when the first is entered: a page that only asks does without. */
export interface LazyRooms extends Omit<Rooms, "take"> {
  /** Settles when the code is there. Rejects with `not_loaded`, and `connection_closed` where the end came first. */
  load(): Promise<void>;
  send(roomId: string, message: unknown, options?: AddOptions): Promise<Acknowledgement>;
  /** Whether the message was about a room, and was told, or will be in its turn. */
  take(message: ServerMessage): boolean;
}

export interface LazyRoomsOptions extends RoomsOptions {
  readonly onNotLoaded: (error: SparqlLiveError) => void;
  /** A message that waited for the code was not what its type says. */
  readonly onBadMessage: (error: unknown) => void;
}

export function createLazyRooms(options: LazyRoomsOptions): LazyRooms {
  let rooms: Rooms | null = null;
  let isLoading = false;
  /** What was called meanwhile, in its order. */
  let calls: ((outcome: Rooms | SparqlLiveError) => void)[] = [];
  /** What came of rooms meanwhile. */
  let held: ServerMessage[] = [];

  const settle = (outcome: Rooms | SparqlLiveError) => {
    const begun = calls;
    calls = [];
    for (const call of begun) call(outcome);
  };

  const loaded = ({ createRooms }: typeof import("./rooms.js")) => {
    isLoading = false;
    rooms = createRooms(options);
    const messages = held;
    held = [];
    try {
      for (const message of messages) rooms.take(roomIdOf(message) ?? "", message);
    } catch (error) {
      options.onBadMessage(error);
    }
    settle(rooms);
  };

  const notLoaded = (cause: unknown) => {
    isLoading = false;
    // Where the server is out of reach its pages are too: with the connection it is tried again.
    if (!options.isReady()) return;
    const text = "The code for rooms could not be loaded; try again, or load the page anew.";
    const error = new SparqlLiveError("not_loaded", text, { cause });
    options.onNotLoaded(error);
    settle(error);
    for (const message of held) options.tell(message);
    held = [];
  };

  const begin = () => {
    if (isLoading || rooms !== null) return;
    isLoading = true;
    const late = { timeoutMs: CLIENT_LIMITS.requestTimeoutMs };
    withinTime(import("./rooms.js"), late, "It did not come in time.").then(loaded, notLoaded);
  };

  /** At once where the code is there. `wait`: for it. */
  const inTurn = <T>(wait: WaitOptions, use: (rooms: Rooms) => Promise<T>): Promise<T> => {
    const over = options.refusal();
    if (over !== null) return Promise.reject(over);
    if (rooms !== null) return use(rooms);
    let isGivenUp = false;
    const begun = new Promise<{ readonly result: Promise<T> }>((resolve, reject) => {
      calls.push((outcome) => {
        if (outcome instanceof SparqlLiveError) return reject(outcome);
        if (isGivenUp) return;
        const result = use(outcome);
        // It may be given up in this very moment.
        result.catch(() => undefined);
        resolve({ result });
      });
    });
    begin();
    return withinTime(begun, wait, "The code for rooms did not come in time.").then(
      ({ result }) => result,
      (error: unknown) => {
        isGivenUp = true;
        throw error;
      },
    );
  };

  return {
    load: () => inTurn({}, async () => undefined),
    join(roomId, more = {}) {
      const { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs } = more;
      const sinceMs = performance.now();
      return inTurn({ signal, timeoutMs }, (there) => {
        const leftMs = Math.max(timeoutMs - (performance.now() - sinceMs), 1);
        return there.join(roomId, { ...more, timeoutMs: timeoutMs === 0 ? 0 : leftMs });
      });
    },
    async leave(roomId) {
      if (calls.length > 0) await inTurn({}, (there) => there.leave(roomId)).catch(() => undefined);
      else await rooms?.leave(roomId);
    },
    send(roomId, message, more) {
      const send = () => {
        const room = rooms?.get(roomId);
        if (room !== undefined) return room.send(message, more);
        const text = `Join the room "${roomId}" first.`;
        return Promise.reject(new SparqlLiveError("not_in_room", text, { roomId }));
      };
      if (calls.length === 0) return send();
      const sent = inTurn({ signal: more?.signal }, send);
      // Whoever does not wait for it sees the deliveries.
      sent.catch(() => undefined);
      return sent;
    },
    get: (roomId) => rooms?.get(roomId),
    isJoined: (roomId) => rooms?.isJoined(roomId) === true,
    positions: () => rooms?.positions() ?? {},
    take(message) {
      const roomId = roomIdOf(message);
      if (roomId === undefined) return false;
      if (rooms !== null) rooms.take(roomId, message);
      // The address of a room enters it without being asked.
      else if (isLoading || message.type === "join_room") {
        held.push(message);
        begin();
      } else options.tell(message);
      return true;
    },
    refused: (message) => rooms?.refused(message) === true,
    transmit: (entry, isWanted) => rooms?.transmit(entry, isWanted) ?? false,
    lost() {
      // None was entered: they are entered anew, by who asked for it or by the address.
      held = [];
      rooms?.lost();
    },
    resumed: (outcomes) => rooms?.resumed(outcomes),
    ready() {
      if (calls.length > 0) begin();
      rooms?.ready();
    },
    endAll(error) {
      held = [];
      settle(error);
      rooms?.endAll(error);
    },
  };
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
