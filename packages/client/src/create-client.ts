import type {
  ClientMessageType,
  ClientPayloads,
  ServerMessage,
  ServerMessageType,
  ServerPayloads,
  WireMessage,
} from "@sparql-live/protocol";
import { type Connection, createConnection } from "./connection/connection.js";
import { pageSignals } from "./connection/signals.js";
import type { CloseInfo, ConnectionState } from "./connection/state.js";
import { closedError, errorOf } from "./errors.js";
import { createEmitter, type Emitter } from "./events.js";
import { newId } from "./ids.js";
import { jsonCodec } from "./json-codec.js";
import { CLIENT_LIMITS } from "./limits.js";
import type { ForeignMessage, MessageOf, Send } from "./messages.js";
import { addressOf, type ClientOptions, checkOptions, isAddressOfRoom } from "./options.js";
import { createOutbox, type Delivery, type Outbox, type OutboxEntry, type Place } from "./outbox.js";
import { createRuns, type Runs } from "./queries/runs.js";
import { createRequests, type Requests } from "./requests.js";
import { createLazyRooms, type LazyRooms } from "./rooms/lazy-rooms.js";
import type { Gap } from "./rooms/room.js";
import { createSession, type Session } from "./session.js";
import { findWebSocket, openSocket } from "./socket.js";
import { createUserMessages } from "./user-messages.js";

/** Events of the library; those of the wire stand beside them, by the type of the message. */
export interface OwnEvents {
  state: [state: ConnectionState];
  /** Something that waits to be written into a room went one step further. */
  delivery: [delivery: Delivery];
  /** Messages were missed and cannot be had any more. */
  gap: [gap: Gap | BroadcastGap];
  /** Every message of the server that the application is to see, also of types that are not known here. */
  message: [message: ServerMessage | ForeignMessage];
  /** What happened behind the scenes: a token that could not be had, a storage that failed. */
  fault: [error: unknown];
}

/** Messages to everybody were missed. */
export interface BroadcastGap {
  readonly roomId: null;
  readonly recovered: false;
  readonly place: Place;
}

export type ClientEvents = OwnEvents & {
  [T in ServerMessageType]: [payload: ServerPayloads[T], message: MessageOf<T>];
};

/** The parts of a client, put together. */
export interface ClientParts {
  readonly connection: Connection;
  readonly session: Session;
  readonly rooms: LazyRooms;
  readonly runs: Runs;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly events: Emitter<ClientEvents>;
  /** Of any type. `null`: there is no connection; nothing was sent. */
  sendAny(
    type: string,
    payload: unknown,
    framing?: Pick<WireMessage, "message_id" | "correlation_id">,
  ): string | null;
}

export function createClient(url: string | URL, options: ClientOptions): ClientParts {
  checkOptions(options);
  const codec = options.codec ?? jsonCodec;
  const events = createEmitter<ClientEvents>();
  const guest = { userId: `guest-${newId()}`, userName: "Guest" };
  const named = options.userId === undefined ? guest : { userId: options.userId };
  const address = addressOf(url, {
    ...(options.token === undefined ? named : {}),
    ...(options.userName === undefined ? {} : { userName: options.userName }),
  });

  const kind = () => connection.state.getSnapshot().kind;
  let isReady = false;
  const mayBegin = () => isReady && kind() === "open";
  const sendAny: ClientParts["sendAny"] = (type, payload, { message_id = newId(), ...framing } = {}) =>
    connection.send({ type, message_id, ...framing, payload }) ? message_id : null;
  const send: Send = <T extends ClientMessageType>(type: T, payload: ClientPayloads[T], framing = {}) =>
    sendAny(type, payload, framing) !== null;
  const fault = (error: unknown) => events.emit("fault", error);

  const tell = (message: ServerMessage) => {
    // The payload is that of the type: the union cannot be followed through the call.
    const emit = events.emit as (name: string, ...args: unknown[]) => void;
    emit(message.type, message.payload, message);
    events.emit("message", message);
  };

  const refusal = () => {
    const state = connection.state.getSnapshot();
    return state.kind === "closed" ? closedError(state) : null;
  };
  const requests = createRequests(send, () => isReady, refusal);
  const runs = createRuns({
    send,
    isReady: () => isReady,
    mayBegin,
    refusal,
    maxRows: () => session.greeting?.limits.max_rows ?? CLIENT_LIMITS.bufferRows,
  });
  const rooms = createLazyRooms({
    send,
    tell,
    isReady: () => isReady,
    isBinary: codec.binary,
    refusal,
    outbox: () => outbox,
    self: () => ({ userId: session.userId ?? "", userName: session.userName ?? "" }),
    onGap: (gap) => events.emit("gap", gap),
    onNotLoaded: fault,
  });
  /** Nothing overtakes what the storage has kept. */
  let isRestored = true;
  const restore = () => {
    const { outboxStorage } = options;
    if (outboxStorage === undefined) return;
    isRestored = false;
    const restored = (entries: readonly OutboxEntry[]) => {
      isRestored = true;
      // Ended meanwhile: the next connection reads them again.
      if (kind() !== "closed") outbox.restore(entries);
    };
    outboxStorage.load(restored, fault).then(restored, (error: unknown) => {
      fault(error);
      restored([]);
    });
  };
  const outbox = createOutbox({
    storage: options.outboxStorage,
    isReady: (roomId) => isReady && isRestored && rooms.isJoined(roomId),
    transmit: rooms.transmit,
    onDelivery: (delivery) => events.emit("delivery", delivery),
    onStorageError: fault,
  });
  const userMessages = createUserMessages(send);

  const onMessage = (message: ServerMessage) => {
    if (session.take(message)) return;
    if (runs.take(message)) return tell(message);
    if (message.type === "error_message" || message.type === "validation_error") {
      const { correlation_id: id = "" } = message;
      if (rooms.refused(message)) return tell(message);
      if (outbox.refused(id, errorOf(message.payload))) return tell(message);
    }
    if (requests.take(message)) return tell(message);
    if (rooms.take(message)) return;
    if (userMessages.take(message)) tell(message);
  };

  let isBegun = false;
  const onEnded = (close: CloseInfo) => {
    isBegun = false;
    const error = closedError(close);
    session.forget();
    requests.rejectAll(error);
    runs.failAll(error);
    outbox.rejectAll(error);
    rooms.endAll(error);
  };

  const session = createSession({
    connection: () => connection,
    send,
    token: options.token,
    userName: options.userName,
    heartbeatIntervalMs: options.heartbeatInterval,
    positions: () => ({ rooms: rooms.positions(), runs: runs.positions(), broadcast: userMessages.position }),
    onGreeted: userMessages.place,
    onResumed(resumed) {
      rooms.resumed(resumed?.rooms ?? {});
      runs.resumed(resumed?.runs ?? {});
      const broadcast = resumed?.broadcast;
      if (broadcast === undefined || broadcast.recovered) return;
      const { epoch, seq } = broadcast;
      userMessages.place({ epoch, seq });
      events.emit("gap", { roomId: null, recovered: false, place: { epoch, seq } });
    },
    onReady() {
      isReady = true;
      rooms.ready();
      runs.ready();
      outbox.flush();
      requests.flush();
    },
    onError: fault,
  });

  const connection = createConnection({
    codec,
    async prepare() {
      const found = await findWebSocket(options.WebSocket);
      // Its server enters it by itself, with the first messages.
      if (isAddressOfRoom(address)) await rooms.prepare();
      return (socketEvents) => openSocket(found, address, [codec.subprotocol], socketEvents);
    },
    policy: options,
    heartbeatTimeoutMs: options.heartbeatTimeout ?? CLIENT_LIMITS.heartbeatTimeoutMs,
    connectTimeoutMs: options.connectTimeout ?? CLIENT_LIMITS.connectTimeoutMs,
    signals: options.signals ?? pageSignals(),
    canRenewToken: typeof options.token === "function",
    onMessage,
    onLost() {
      isReady = false;
      session.lost();
      requests.lost();
      outbox.lost();
      runs.lost();
      rooms.lost();
    },
    onFault: fault,
    onEnded,
  });
  connection.state.subscribe(() => {
    if (!isBegun && kind() === "connecting") {
      isBegun = true;
      restore();
    }
    events.emit("state", connection.state.getSnapshot());
  });

  return { connection, session, rooms, runs, requests, outbox, events, sendAny };
}
