import type { FailureCode } from "@sparql-live/protocol";

/** What the server counts since its start. */
export interface Counters {
  connectionsOpened: number;
  messagesSent: number;
  messagesReceived: number;
  /** Faults of our own: handlers that threw what they should not. */
  errors: number;
  /** Connections that the server gave up, by reason. */
  readonly disconnectsByCode: Map<FailureCode, number>;
}

export function createCounters(): Counters {
  return {
    connectionsOpened: 0,
    messagesSent: 0,
    messagesReceived: 0,
    errors: 0,
    disconnectsByCode: new Map(),
  };
}
