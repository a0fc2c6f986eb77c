import type { FailureCode, ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import { errorOf, isPassing, leftError, SparqlLiveError } from "../errors.js";
import { createEmitter } from "../events.js";
import { newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { MessageOf } from "../messages.js";
import type { AddOptions, Place } from "../outbox.js";
import { createStore, createTail } from "../store.js";
import { withResolvers } from "../waiting.js";
import { bytesOf, toBase64 } from "./bytes.js";
import { entryOf, ownEntryOf, placeOf, type RoomEntry, type RoomUpdate, updateOf } from "./entries.js";
import { createGapFiller } from "./gap-filler.js";
import type { HistoryReader } from "./history.js";
import { paced } from "./paced.js";
import type { Gap, Room, RoomControl, RoomEvents, RoomOptions } from "./room.js";
import { createRoomLog } from "./room-log.js";
import { openedJson, sealedJson } from "./seal.js";
import { EMPTY_VIEW, type RoomStatus, type RoomView, viewAfter } from "./view.js";

/** Before every time: the clock begins with the page. */
const NEVER_MS = Number.NEGATIVE_INFINITY;

export function createRoom(options: RoomOptions): RoomControl {
  const { id, sealer, send, outbox, self } = options;
  const view = createStore<RoomView>(EMPTY_VIEW);
  const messages = createTail<RoomEntry>(CLIENT_LIMITS.keptMessagesCount);
  const events = createEmitter<RoomEvents>();
  const log = createRoomLog();
  /** Loaded when it is asked for. */
  let history: HistoryReader | null = null;
  const entered = withResolvers<Room>();
  entered.promise.catch(() => undefined);
  let joinId = "";
  let leaving: { readonly id: string; readonly done: ReturnType<typeof withResolvers<void>> } | null = null;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the room was told last that one types. */
  let typingSinceMs = NEVER_MS;
  /** What is sealed is opened one after the other. */
  let opening: Promise<void> = Promise.resolve();

  const tell = (message: ServerMessage) => {
    options.tell(message);
    events.emit("told", message);
  };
  const status = () => view.getSnapshot().status;
  const isLocked = () => sealer === null && view.getSnapshot().info?.is_encrypted === true;
  const setStatus = (next: RoomStatus) => {
    if (next.kind !== status().kind) view.set({ ...view.getSnapshot(), status: next });
  };
  const ofRoom = { room_id: id };
  const ofError = { roomId: id };

  const filler = createGapFiller({
    log,
    ask: (questionId, { epoch, seq }) =>
      send("room_history", { ...ofRoom, epoch, since: seq }, { message_id: questionId }),
    onFilled: () => becomeJoined(),
    onGap() {
      if (log.isWaiting) log.skip(tellGap);
      else if (log.position !== null) tellGap(log.position);
      becomeJoined();
    },
  });

  const tellGap = (place: Place) => {
    const gap: Gap = { roomId: id, recovered: false, place: placeOf(place) };
    events.emit("gap", gap);
    options.onGap(gap);
  };

  const becomeJoined = () => {
    if (status().kind === "left" || leaving !== null) return;
    const isNew = status().kind !== "joined";
    setStatus({ kind: "joined" });
    if (isNew) {
      typingSinceMs = NEVER_MS;
      events.emit("joined");
    }
    entered.resolve(room);
    outbox.flush(id);
  };

  /** Hands something on in its turn; in the clear it is at once. */
  const inTurn = <T>(value: T | Promise<T>, use: (value: T) => void, isOfDocument = false) => {
    if (sealer === null && !(value instanceof Promise)) return use(value);
    const opened = Promise.resolve(value);
    // It may fail before those ahead of it are through.
    opened.catch(() => undefined);
    opening = opening
      .then(() => opened)
      .then(use)
      .catch((error: unknown) => events.emit("error", error, isOfDocument));
  };

  const takeEntry = (place: Place, deliver: () => void) => {
    const isMissing = log.take(placeOf(place), deliver);
    if (filler.isBusy) filler.moved();
    else if (isMissing) filler.fill(place.seq);
  };

  const deliver = (entry: RoomEntry, message?: ServerMessage) => {
    messages.push(entry);
    events.emit("message", entry);
    if (message !== undefined) tell(message);
  };

  const acknowledged = (message: MessageOf<"ack">) => {
    const { message_id: messageId = "" } = message.payload;
    const entry = outbox.acknowledged(messageId, placeOf(message.payload));
    takeEntry(message.payload, () => {
      if (entry?.kind === "message") inTurn(ownEntryOf(message, entry, self()), (own) => deliver(own));
    });
    tell(message);
    outbox.flush(id);
  };

  const tellUpdate = (message: MessageOf<"document_update"> | MessageOf<"awareness_update">) => {
    const isOfDocument = message.type === "document_update";
    const use = (update: RoomUpdate | null) => {
      if (update !== null) events.emit(isOfDocument ? "document" : "awareness", update);
      tell(message);
    };
    inTurn(updateOf(message, sealer), use, isOfDocument);
  };

  /** `join_room`, or the room as it is where no place in it was known. */
  const enter = (place: Place) => {
    clearTimeout(retryTimer);
    const { position } = log;
    if (position !== null && position.epoch === place.epoch && position.seq <= place.seq) {
      if (position.seq === place.seq) return becomeJoined();
      setStatus({ kind: "recovering" });
      filler.stop();
      filler.fill(place.seq);
      return;
    }
    log.enter(placeOf(place), () => {
      if (position !== null) tellGap(place);
    });
    becomeJoined();
  };

  const stateTold = ({ recovered, ...place }: ServerPayloads["room_state"]) => {
    if (recovered === undefined || leaving !== null) return;
    if (recovered || log.position === null) return enter(place);
    filler.stop();
    log.enter(placeOf(place), () => tellGap(place));
    becomeJoined();
  };

  const join = () => {
    joinId = newId();
    const { invite } = options;
    send("join_room", { ...ofRoom, ...(invite === undefined ? {} : { invite }) }, { message_id: joinId });
  };

  const end = (reason: string, error?: SparqlLiveError) => {
    if (status().kind === "left") return;
    clearTimeout(retryTimer);
    filler.stop();
    setStatus({ kind: "left", reason, ...(error === undefined ? {} : { error }) });
    const why = error ?? leftError(id, reason);
    outbox.refuseRoom(id, why);
    history?.rejectAll(why);
    entered.reject(why);
    leaving?.done.resolve();
    leaving = null;
    log.reset();
    events.emit("left", reason, error);
  };

  const couldNotJoin = (error: SparqlLiveError) => {
    if (!isPassing(error)) return end(error.code, error);
    retryTimer = setTimeout(() => {
      if (status().kind === "joining" && leaving === null && options.isReady()) join();
    }, error.details.retryAfterMs ?? CLIENT_LIMITS.refusedRetryMs);
  };

  const left = ({ correlation_id: correlationId, payload: { reason } }: MessageOf<"leave_room">) => {
    if (leaving !== null) return end(reason);
    // The late answer to an earlier leaving says nothing of the joining since.
    if (reason === "requested" || status().kind === "joining" || correlationId === joinId) return;
    end(reason);
  };

  const room: Room = {
    id,
    view,
    messages,
    get position() {
      return log.position;
    },
    access: { send, sealer, self, settled: () => opening },
    on: events.on,
    off: events.off,
    once: events.once,
    send: (message, more) => add("message", message, more),
    sendUpdate: (update, more) => add("document", toBase64(update), more),
    requestDocument() {
      if (status().kind === "joined") send("document_request", ofRoom);
    },
    sendAwareness(update) {
      const messageId = newId();
      if (status().kind !== "joined" || isLocked()) return;
      if (sealer === null) return void send("awareness_update", { ...ofRoom, update: toBase64(update) });
      inSeal("awareness", update, messageId, (sealed) =>
        send("awareness_update", { ...ofRoom, sealed }, { message_id: messageId }),
      );
    },
    setTyping(isTyping) {
      const nowMs = performance.now();
      const isKnown = isTyping
        ? nowMs < typingSinceMs + CLIENT_LIMITS.typingIntervalMs
        : typingSinceMs === NEVER_MS;
      if (status().kind !== "joined" || isKnown) return;
      typingSinceMs = isTyping ? nowMs : NEVER_MS;
      send("typing_indicator", { ...ofRoom, is_typing: isTyping });
    },
    setCursor: paced(CLIENT_LIMITS.cursorIntervalMs, (cursor) => {
      const messageId = newId();
      if (status().kind !== "joined" || isLocked()) return;
      if (sealer === null) return void send("cursor_position", { ...cursor, ...ofRoom });
      inSeal("cursor", sealedJson(cursor), messageId, (sealed) =>
        send("cursor_position", { ...ofRoom, sealed }, { message_id: messageId }),
      );
    }),
    async history(more) {
      const outside = outsideError();
      if (outside !== null) throw outside;
      const { createHistoryReader } = await import("./history.js");
      const left = outsideError();
      if (left !== null) throw left;
      history ??= createHistoryReader(id, send, sealer, (error) => events.emit("error", error, false));
      return history.read(more);
    },
    leave() {
      if (status().kind === "left") return Promise.resolve();
      if (leaving === null) {
        leaving = { id: newId(), done: withResolvers<void>() };
        if (options.isReady()) askToLeave();
      }
      return leaving.done.promise;
    },
  };

  const add = (kind: "message" | "document", body: unknown, more?: AddOptions) => {
    const outside = outsideError();
    return outside === null ? outbox.add({ roomId: id, kind, body }, more) : Promise.reject(outside);
  };

  const outsideError = () => {
    if (status().kind !== "left" && leaving === null) return null;
    return new SparqlLiveError("not_in_room", `Join the room "${id}" first.`, ofError);
  };

  const inSeal = (
    kind: "awareness" | "cursor",
    plaintext: Uint8Array,
    messageId: string,
    use: (sealed: string | Uint8Array) => void,
  ) => {
    sealer
      ?.seal(kind, plaintext, self().userId, messageId)
      .then(use)
      .catch((error: unknown) => events.emit("error", error, false));
  };

  const askToLeave = () => {
    if (leaving !== null) send("leave_room", ofRoom, { message_id: leaving.id });
  };

  const openCursor = (message: MessageOf<"cursor_position">) => {
    const { sealed, user_id: userId, ...origin } = message.payload;
    if (sealed === undefined || sealer === null) return update(message);
    inTurn(sealer.open("cursor", sealed, userId), (plaintext) => {
      const cursor = openedJson(plaintext);
      if (typeof cursor !== "object" || cursor === null) return;
      update({ ...message, payload: { ...cursor, ...origin, user_id: userId } });
    });
  };

  const update = (message: ServerMessage) => {
    view.set(viewAfter(view.getSnapshot(), message, self().userId));
    tell(message);
  };

  return {
    room,
    entered: entered.promise,
    sealer,
    get isLocked() {
      return isLocked();
    },
    get isWanted() {
      return status().kind !== "left" && leaving === null;
    },
    get isJoined() {
      return status().kind === "joined" && leaving === null;
    },
    take(message) {
      if (status().kind === "left") return;
      switch (message.type) {
        case "join_room":
          if (leaving !== null) return;
          update(message);
          return enter(message.payload);
        case "room_state":
          update(message);
          return stateTold(message.payload);
        case "leave_room":
          left(message);
          return tell(message);
        case "room_message":
          history?.see(message);
          return takeEntry(message.payload, () =>
            inTurn(entryOf(message.payload, sealer), (entry) => deliver(entry, message)),
          );
        case "document_update":
          if (message.payload.whole === true) return tellUpdate(message);
          history?.see(message);
          return takeEntry(message.payload, () => tellUpdate(message));
        case "ack":
          history?.see(message);
          return acknowledged(message);
        case "room_history":
          if (history?.see(message) !== true && !filler.take(message)) tell(message);
          return;
        case "awareness_update":
          return tellUpdate(message);
        case "cursor_position":
          return openCursor(message);
        default:
          return update(message);
      }
    },
    refused(message) {
      const { correlation_id: correlationId = "" } = message;
      const error = errorOf(message.payload);
      if (history?.see(message) === true || filler.refused(correlationId, error)) return true;
      if (leaving !== null && correlationId === leaving.id) {
        end("requested");
        return true;
      }
      if (correlationId !== joinId) return false;
      if (leaving === null) couldNotJoin(error);
      return true;
    },
    lost() {
      clearTimeout(retryTimer);
      filler.stop();
      history?.rejectAll(new SparqlLiveError("connection_closed", "The connection was lost.", ofError));
      if (status().kind === "joined") setStatus({ kind: "recovering" });
    },
    resumed(outcome) {
      if (status().kind === "left" || leaving !== null || outcome?.recovered === true) return;
      if (outcome?.code === "gap") return;
      if (status().kind !== "joining") setStatus({ kind: "joining" });
      const code = outcome?.code ?? "not_in_room";
      // A private room is entered by its invitation, once more.
      if (code === "not_in_room" || (code === "room_not_found" && options.invite !== undefined)) return;
      // What stands there is of the protocol's table.
      const error = new SparqlLiveError(
        code as FailureCode,
        `The room "${id}" could not be entered again.`,
        ofError,
      );
      if (!isPassing(error)) end(code, error);
    },
    ready() {
      if (leaving !== null) askToLeave();
      else if (status().kind === "joining") join();
    },
    end,
  };
}

/** As the message of an entry that waits: sealed where the room is. */
export function updateBytes(body: unknown): Uint8Array {
  return bytesOf(typeof body === "string" ? body : "");
}
