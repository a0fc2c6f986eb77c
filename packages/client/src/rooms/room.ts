import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { SparqlLiveError } from "../errors.js";
import type { Emitter } from "../events.js";
import type { RefusalMessage, Send } from "../messages.js";
import type { Acknowledgement, AddOptions, Outbox, Place } from "../outbox.js";
import type { ReadableStore } from "../store.js";
import type { RoomEntry, RoomUpdate, Self } from "./entries.js";
import type { HistoryOptions, HistoryPage } from "./history.js";
import type { Sealer } from "./seal.js";
import type { Cursor, RoomView } from "./view.js";

/** Messages were missed that cannot be had any more; it goes on behind `place`. */
export interface Gap {
  readonly roomId: string;
  readonly recovered: false;
  readonly place: Place;
}

export interface RoomEvents {
  /** A message of others, or one's own that was acknowledged, in the order of the log, each once. */
  message: [entry: RoomEntry];
  /** An update of the document by somebody else, in the order of the log, or the whole of it. */
  document: [update: RoomUpdate];
  awareness: [update: RoomUpdate];
  gap: [gap: Gap];
  /** Any message about the room, behind what it changed. */
  told: [message: ServerMessage];
  joined: [];
  left: [reason: string, error: SparqlLiveError | undefined];
  /** Something sealed could not be opened. `isOfDocument`: an update of the document, which lacks it now. */
  error: [error: unknown, isOfDocument: boolean];
}

/** Where somebody is; further members are the application's own. */
export type CursorInput = Pick<Cursor, "position" | "selection"> & Readonly<Record<string, unknown>>;

/** What parts of the library that are loaded apart need of a room, as `@sparql-live/client/yjs`. */
export interface RoomAccess {
  readonly send: Send;
  /** `null` where no secret was given. */
  readonly sealer: Sealer | null;
  readonly self: () => Self;
  /** Settles when everything sealed that has come was opened and handed on. */
  settled(): Promise<void>;
}

/** A room that this client is in, or wants to be in: it is joined again by itself after each reconnection. */
export interface Room extends Pick<Emitter<RoomEvents>, "on" | "off" | "once"> {
  readonly id: string;
  /** Who is there, who types, where the cursors are. */
  readonly view: ReadableStore<RoomView>;
  /** The latest messages, at most 1,000. */
  readonly messages: ReadableStore<readonly RoomEntry[]>;
  /** Everything up to here was handed on; `null` before it was joined. */
  readonly position: Place | null;
  /**
   * Settles when the server has stored it. It waits while there is no connection, and is sent again until it is
   * acknowledged. Rejects with the server's refusal, `outbox_full`, `not_in_room`, `aborted`, `timeout`.
   */
  send(message: unknown, options?: AddOptions): Promise<Acknowledgement>;
  /** The same for an update of the document. */
  sendUpdate(update: Uint8Array, options?: AddOptions): Promise<Acknowledgement>;
  /** Asks for the document whole, which comes as the event `document`. Nothing where there is no connection. */
  requestDocument(): void;
  /** Sent at most once, as are typing and cursors. */
  sendAwareness(update: Uint8Array): void;
  /** May be called with every key: it is told every 3 s, and when it ends. */
  setTyping(isTyping: boolean): void;
  /** May be called with every movement: ten a second are told, the last one always. */
  setCursor(cursor: CursorInput): void;
  history(options?: HistoryOptions): Promise<HistoryPage>;
  readonly access: RoomAccess;
  /** Settles when the server has said so, or the connection is over. */
  leave(): Promise<void>;
}

/** The side of a room that the connection works. */
export interface RoomControl {
  readonly room: Room;
  /** Settles when it was entered for the first time. Rejects with what refused it. */
  readonly entered: Promise<Room>;
  readonly isWanted: boolean;
  readonly isJoined: boolean;
  readonly sealer: Sealer | null;
  /** It is encrypted, and its secret was not given: nothing of it may be said in the clear. */
  readonly isLocked: boolean;
  take(message: ServerMessage): void;
  /** An error whose `correlation_id` may be one of ours. */
  refused(message: RefusalMessage): boolean;
  lost(): void;
  /** What `resumed` says of it; `undefined` where it says nothing. */
  resumed(outcome: ServerPayloads["resumed"]["rooms"][string] | undefined): void;
  /** The connection may be used. */
  ready(): void;
  /** The room is left for this reason, without asking anybody. */
  end(reason: string, error?: SparqlLiveError): void;
}

export interface RoomOptions {
  readonly id: string;
  readonly invite: string | undefined;
  readonly sealer: Sealer | null;
  readonly send: Send;
  readonly isReady: () => boolean;
  readonly self: () => Self;
  readonly outbox: Outbox;
  /** Tells the application of a message as it came, in its turn. */
  readonly tell: (message: ServerMessage) => void;
  readonly onGap: (gap: Gap) => void;
}
