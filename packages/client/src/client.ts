import type { ClientMessageType, ClientPayloads, ServerPayloads } from "@sparql-live/protocol";
import type { ConnectionState } from "./connection/state.js";
import { type ClientEvents, type ClientParts, createClient } from "./create-client.js";
import { closedError, SparqlLiveError } from "./errors.js";
import type { ForeignMessage } from "./messages.js";
import type { ClientOptions } from "./options.js";
import type { Acknowledgement, AddOptions, Delivery } from "./outbox.js";
import type { RowStream } from "./queries/row-stream.js";
import type { QueryResult, Row } from "./queries/run.js";
import type { AttachOptions, QueryText, SendQueryOptions, StreamOptions } from "./queries/runs.js";
import type { CursorInput, Room } from "./rooms/room.js";
import type { JoinOptions } from "./rooms/rooms.js";
import type { ReadableStore } from "./store.js";
import { type WaitOptions, withinTime, withResolvers } from "./waiting.js";

export interface SearchOptions extends Omit<ClientPayloads["ontology_search"], "query">, WaitOptions {}

/** Names of the library and of the protocol have their types; any other is a type of the application's own. */
type Listener<N extends string> = N extends keyof ClientEvents
  ? (...args: ClientEvents[N]) => void
  : (payload: Readonly<Record<string, unknown>>, message: ForeignMessage) => void;

/**
 * A connection to a sparql-live server that comes back by itself, and everything that goes over it. Failures are
 * `SparqlLiveError`, whose `code` is of the protocol's table or of the client's own few.
 *
 * `url`: for example `wss://graph.example/api/ws/query`; `http(s)` does too, and in a page a path.
 */
export class SPARQLWebSocketClient {
  readonly #parts: ClientParts;

  /** Throws a `TypeError` where the address, or an option, is none. */
  constructor(url: string | URL, options: ClientOptions = {}) {
    this.#parts = createClient(url, options);
    if (options.autoConnect !== false) this.#parts.connection.connect();
  }

  /** Where the connection is in its life. */
  get state(): ConnectionState {
    return this.#parts.connection.state.getSnapshot();
  }

  /** The same, for who wants to be told of changes. */
  get stateStore(): ReadableStore<ConnectionState> {
    return this.#parts.connection.state;
  }

  /** The server's name for the connection: the same after a return. `null` while there is none. */
  get connectionId(): string | null {
    return this.#parts.session.connectionId;
  }

  /** As the server knows the user; `null` before it does. */
  get userId(): string | null {
    return this.#parts.session.userId;
  }

  /** What the server told of its limits and features, last. */
  get greeting(): ServerPayloads["connection_ack"] | null {
    return this.#parts.session.greeting;
  }

  /** What waits to be written into rooms, or is under way, oldest first. */
  get deliveries(): ReadableStore<readonly Delivery[]> {
    return this.#parts.outbox.deliveries;
  }

  /** Returns the way to stop. Listeners that throw disturb nobody: the error is reported as one that nobody caught. */
  on<N extends string>(name: N, listener: Listener<N>): () => void {
    return this.#parts.events.on(...eventOf(name, listener));
  }

  off<N extends string>(name: N, listener: Listener<N>): void {
    this.#parts.events.off(...eventOf(name, listener));
  }

  once<N extends string>(name: N, listener: Listener<N>): () => void {
    return this.#parts.events.once(...eventOf(name, listener));
  }

  /**
   * Connects, unless it is on the way. Settles when the connection is open; rejects with `connection_closed` when it is
   * given up, and with `aborted` or `timeout` (the tries go on then).
   */
  connect(options: WaitOptions = {}): Promise<void> {
    return whenOpen(this.#parts, options);
  }

  /** Ends the connection for good: rooms are left, and whatever waits for an answer rejects with `connection_closed`. */
  disconnect(): void {
    this.#parts.connection.disconnect();
  }

  /**
   * Sends a message of any type as it is. Returns its id, or `null` where there is no connection: nothing is kept.
   * Throws `message_too_large`.
   */
  send<T extends ClientMessageType>(type: T, payload: ClientPayloads[T]): string | null;
  send(type: string, payload: object): string | null;
  send(type: string, payload: object): string | null {
    return this.#parts.sendAny(type, payload);
  }

  /**
   * Asks a question (`"Which rivers cross Germany?"`) or a query (`{ sparql }`). Settles with the result when the run
   * is completed. It waits while there is no connection, and goes on after a reconnection. Rejects with what the server
   * answered (`bad_query` with `details.line`), `query_cancelled`, `query_lost` where the server that ran it is gone,
   * `aborted`, or `connection_closed`.
   */
  sendQuery(text: QueryText, options?: SendQueryOptions): Promise<QueryResult> {
    return this.#parts.runs.send(text, options);
  }

  /** The same as a loop over rows, at the pace of the loop: `for await (const row of client.query(…))`. */
  query<T = Row>(text: QueryText, options?: StreamOptions<T>): RowStream<T> {
    return this.#parts.runs.stream(text, options);
  }

  /** Settles when the server has stopped it, or it was over. */
  cancelQuery(queryId: string, roomId?: string): Promise<void> {
    return this.#parts.runs.cancel(queryId, roomId);
  }

  /** Watches a run that was begun elsewhere by the same user or in a room, from its start or behind the chunk `since`. */
  attachQuery(queryId: string, options?: AttachOptions): Promise<QueryResult> {
    return this.#parts.runs.attach(queryId, options);
  }

  /** Terms whose names fit. Rejects with `superseded` where a newer search of this client came first. */
  async searchOntology(
    query: string,
    { signal, timeoutMs, ...more }: SearchOptions = {},
  ): Promise<ServerPayloads["ontology_suggestion"]> {
    const wait = { signal, timeoutMs };
    const { payload } = await this.#parts.requests.send(
      "ontology_search",
      { ...more, query },
      "ontology_suggestion",
      wait,
    );
    if (payload.superseded !== true) return payload;
    throw new SparqlLiveError("superseded", "A newer search overtook this one.");
  }

  /** The endpoints that there are, or the one named, with their health. */
  async endpoints(
    endpointId?: string,
    options?: WaitOptions,
  ): Promise<ServerPayloads["endpoint_status"]["endpoints"]> {
    const asked = endpointId === undefined ? {} : { endpoint_id: endpointId };
    const { payload } = await this.#parts.requests.send("endpoint_status", asked, "endpoint_status", options);
    return payload.endpoints;
  }

  /** Settles when the room is entered; it is entered again after each reconnection. In a room twice is the same room. */
  joinRoom(roomId: string, options?: JoinOptions): Promise<Room> {
    return this.#parts.rooms.join(roomId, options);
  }

  /**
   * Loads the code for rooms, which else comes with the first `joinRoom`: before, a page that may lose its network does
   * well to have it. Rejects with `not_loaded`, or `connection_closed`.
   */
  loadRooms(): Promise<void> {
    return this.#parts.rooms.load();
  }

  leaveRoom(roomId: string): Promise<void> {
    return this.#parts.rooms.leave(roomId);
  }

  /** A room that was joined. */
  room(roomId: string): Room | undefined {
    return this.#parts.rooms.get(roomId);
  }

  /** Settles when the server has stored the message. See `Room.send`. */
  sendToRoom(roomId: string, message: unknown, options?: AddOptions): Promise<Acknowledgement> {
    return this.#parts.rooms.send(roomId, message, options);
  }

  /** Holds for 6 s unless it is said again. Sent at most once, as are cursors. */
  sendTypingIndicator(roomId: string, isTyping: boolean): void {
    this.room(roomId)?.setTyping(isTyping);
  }

  sendCursorPosition(roomId: string, cursor: CursorInput): void {
    this.room(roomId)?.setCursor(cursor);
  }
}

/** Listeners of the application's own types lie beside the others. */
function eventOf(name: string, listener: unknown): [keyof ClientEvents, (...args: unknown[]) => void] {
  return [name as keyof ClientEvents, listener as (...args: unknown[]) => void];
}

function whenOpen({ connection }: ClientParts, options: WaitOptions): Promise<void> {
  connection.connect();
  const opened = withResolvers<void>();
  // It may be given up when nobody waits any more.
  opened.promise.catch(() => undefined);
  const look = () => {
    const state = connection.state.getSnapshot();
    if (state.kind === "open") opened.resolve();
    else if (state.kind === "closed") opened.reject(closedError(state));
  };
  const stop = connection.state.subscribe(look);
  look();
  return withinTime(opened.promise, options, "The connection was not open in time.").finally(stop);
}
