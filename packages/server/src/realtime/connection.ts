import type { Codec, FailureCode, ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { Session } from "./session.js";

/** Who is at the other end. In the open mode the client says so itself. */
export interface User {
  readonly id: string;
  readonly name: string;
}

interface SendOptions {
  /** The request that this answers. */
  readonly correlationId?: string | undefined;
  /** Drops the waiting ephemeral message of this key. */
  readonly supersedes?: string;
}

/** A peer as the features see it. Sending to one that is closing does nothing. */
export interface Connection {
  readonly id: string;
  readonly user: User;
  readonly codec: Codec;
  readonly connectedAtMs: number;
  readonly session: Session;
  /** Aborted when the connection is lost or closed. */
  readonly signal: AbortSignal;
  send<T extends ServerMessageType>(type: T, payload: ServerPayloads[T], options?: SendOptions): void;
  /** Ahead of everything that waits: for pings and their answers. */
  sendControl<T extends ServerMessageType>(type: T, payload: ServerPayloads[T], options?: SendOptions): void;
  /** At most once: a later one of the same key takes its place. */
  sendEphemeral<T extends ServerMessageType>(
    key: string,
    type: T,
    payload: ServerPayloads[T],
    options?: SendOptions,
  ): void;
  /** Sends when nothing else waits, so that a message above the queue's bound may pass. */
  sendAlone<T extends ServerMessageType>(
    type: T,
    payload: ServerPayloads[T],
    options?: SendOptions,
  ): Promise<void>;
  /** Settles when so few bytes wait that a stream may go on. */
  drained(): Promise<void>;
  /** Sends what is queued, then closes. */
  close(failure: FailureCode, code: number, retryAfterMs?: number): void;
}
