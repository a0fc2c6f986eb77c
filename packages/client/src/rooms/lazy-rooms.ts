import type { ServerMessage } from "@sparql-live/protocol";
import { SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Acknowledgement, AddOptions } from "../outbox.js";
import { type WaitOptions, withinTime } from "../waiting.js";
import type { Rooms, RoomsOptions } from "./rooms.js";

/** The rooms, whose code is loaded when the first is entered: a page that only asks does without. */
export interface LazyRooms extends Omit<Rooms, "take"> {
  /** Tries to load the code. Settles when that was done. */
  prepare(): Promise<void>;
  /** Settles when the code is there. Rejects with `not_loaded`, and `connection_closed` where the end came first. */
  load(): Promise<void>;
  send(roomId: string, message: unknown, options?: AddOptions): Promise<Acknowledgement>;
  /** Whether the message was about a room, and was told. */
  take(message: ServerMessage): boolean;
}

export interface LazyRoomsOptions extends RoomsOptions {
  readonly onNotLoaded: (error: SparqlLiveError) => void;
}

interface Call {
  /** Which room is entered, or left, by it. */
  readonly roomId?: string;
  readonly isJoin?: boolean;
  readonly begin: (rooms: Rooms) => void;
  readonly fail: (error: SparqlLiveError) => void;
}

export function createLazyRooms(options: LazyRoomsOptions): LazyRooms {
  let rooms: Rooms | null = null;
  let loading: Promise<void> | null = null;
  /** What was called before the code was there, in its order. */
  const calls = new Set<Call>();

  const failAll = (error: SparqlLiveError) => {
    const failed = [...calls];
    calls.clear();
    for (const { fail } of failed) fail(error);
  };

  const loaded = ({ createRooms }: typeof import("./rooms.js")) => {
    const there = createRooms(options);
    rooms = there;
    for (const call of calls) {
      calls.delete(call);
      call.begin(there);
    }
  };

  const notLoaded = (cause: unknown) => {
    loading = null;
    // Where the server is out of reach its pages are too: with the connection it is tried again.
    if (!options.isReady()) return;
    const text = "The code for rooms could not be loaded; try again, or load the page anew.";
    const error = new SparqlLiveError("not_loaded", text, { cause });
    failAll(error);
    options.onNotLoaded(error);
  };

  const prepare = (): Promise<void> => {
    const late = { timeoutMs: CLIENT_LIMITS.requestTimeoutMs };
    loading ??= withinTime(import("./rooms.js"), late, "It did not come in time.").then(loaded, notLoaded);
    return loading;
  };

  /** At once where the code is there. `wait`: for it. */
  const inTurn = <T>(
    use: (rooms: Rooms) => Promise<T>,
    { wait = {}, ...what }: Pick<Call, "roomId" | "isJoin"> & { readonly wait?: WaitOptions } = {},
  ): Promise<T> => {
    const over = options.refusal();
    if (over !== null) return Promise.reject(over);
    if (rooms !== null) return use(rooms);
    let call: Call | undefined;
    const begun = new Promise<{ readonly result: Promise<T> }>((resolve, reject) => {
      call = {
        ...what,
        begin(there) {
          const result = use(there);
          // It may be given up in this very moment.
          result.catch(() => undefined);
          resolve({ result });
        },
        fail: reject,
      };
      calls.add(call);
    });
    prepare();
    return withinTime(begun, wait, "The code for rooms did not come in time.").then(
      ({ result }) => result,
      (error: SparqlLiveError) => {
        if (call !== undefined) calls.delete(call);
        const { roomId } = what;
        // As with a room that could not be entered.
        if (roomId !== undefined && rooms === null && !isEntering(roomId)) {
          options.outbox().refuseRoom(roomId, error);
        }
        throw error;
      },
    );
  };

  /** Whether the last call says that the room is to be entered. */
  const isEntering = (id: string) => [...calls].findLast(({ roomId }) => roomId === id)?.isJoin === true;

  return {
    prepare,
    load() {
      const done = inTurn(async () => undefined);
      // Whoever does not wait for it learns it with the first room.
      done.catch(() => undefined);
      return done;
    },
    async join(roomId, more = {}) {
      const { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs } = more;
      const sinceMs = performance.now();
      const enter = (there: Rooms) => {
        const leftMs = Math.max(timeoutMs - (performance.now() - sinceMs), 1);
        return there.join(roomId, { ...more, timeoutMs: timeoutMs > 0 ? leftMs : 0 });
      };
      return inTurn(enter, { roomId, isJoin: true, wait: { signal, timeoutMs } });
    },
    async leave(roomId) {
      if (rooms !== null) return rooms.leave(roomId);
      if (!isEntering(roomId)) return;
      await inTurn((there) => there.leave(roomId), { roomId }).catch(() => undefined);
    },
    send(roomId, message, more) {
      const room = rooms?.get(roomId);
      if (room !== undefined) return room.send(message, more);
      if (isEntering(roomId)) return options.outbox().add({ roomId, kind: "message", body: message }, more);
      const text = `Join the room "${roomId}" first.`;
      return Promise.reject(new SparqlLiveError("not_in_room", text, { roomId }));
    },
    get: (roomId) => rooms?.get(roomId),
    isJoined: (roomId) => rooms?.isJoined(roomId) === true,
    positions: () => rooms?.positions() ?? {},
    take(message) {
      const roomId = roomIdOf(message);
      if (roomId === undefined) return false;
      if (rooms !== null) {
        rooms.take(roomId, message);
        return true;
      }
      options.tell(message);
      // An address that is not known as a room's was one.
      if (message.type === "join_room") {
        inTurn((there) => there.join(roomId), { roomId, isJoin: true }).catch(() => undefined);
      }
      return true;
    },
    refused: (message) => rooms?.refused(message) === true,
    transmit: (entry, isWanted) => rooms?.transmit(entry, isWanted) ?? false,
    lost: () => rooms?.lost(),
    resumed: (outcomes) => rooms?.resumed(outcomes),
    ready() {
      if (calls.size > 0) prepare();
      rooms?.ready();
    },
    endAll(error) {
      failAll(error);
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
