import type { FailureCode } from "@sparql-live/protocol";

type RecoveryOutcome = "resumed" | "rejoined" | "refused";

/** What the server counts since its start. Plain numbers: they are touched for every message. */
export interface Counters {
  connectionsOpened: number;
  connectionsClosed: number;
  /** Messages that were handed to the socket of a recipient. */
  messagesSent: number;
  messagesReceived: number;
  /** Of the messages sent, those of which several recipients get the same: of rooms, of queues, to everybody. */
  deliveries: number;
  /** Messages to a room, before they were multiplied. */
  broadcasts: number;
  roomsCreated: number;
  rateLimitViolations: number;
  /** Queries that were refused because the server is overloaded or shuts down. */
  queriesShed: number;
  /** Queued messages that had to make room or were too old. */
  queuedMessagesDropped: number;
  /** Faults of our own: handlers that threw what they should not. */
  errors: number;
  /** Connections that the server gave up or refused, by reason. */
  readonly disconnectsByCode: Map<FailureCode, number>;
  /** Closed sockets, by close code. */
  readonly closesByCode: Map<number, number>;
  readonly recoveries: Map<RecoveryOutcome, number>;
  /** Rooms that a returning connection got without a gap, and those that it did not. */
  roomsRecovered: number;
  roomsNotRecovered: number;
  /** How long it took to hand the messages of one tick to all members of a room; set by whoever measures. */
  observeFanOut: (durationMs: number) => void;
}

export function createCounters(): Counters {
  return {
    connectionsOpened: 0,
    connectionsClosed: 0,
    messagesSent: 0,
    messagesReceived: 0,
    deliveries: 0,
    broadcasts: 0,
    roomsCreated: 0,
    rateLimitViolations: 0,
    queriesShed: 0,
    queuedMessagesDropped: 0,
    errors: 0,
    disconnectsByCode: new Map(),
    closesByCode: new Map(),
    recoveries: new Map(),
    roomsRecovered: 0,
    roomsNotRecovered: 0,
    observeFanOut: () => undefined,
  };
}

export function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
