import type { Codec, FailureCode, ServerMessageType, ServerPayloads } from "@sparql-live/protocol";
import type { Variants } from "./experiments.js";
import type { Outgoing, OutgoingPayload } from "./outgoing.js";
import type { Session } from "./session.js";
import type { SharedMessage } from "./shared-message.js";

export type UserRole = "user" | "admin";

/** How the server knows somebody. A guest is known by its connection alone. */
export type Tier = "guest" | UserRole;

/** Who is at the other end. In the open mode the client says so itself, and is a `user`. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: UserRole;
}

export interface SendOptions {
  /** The request that this answers. */
  readonly correlationId?: string | undefined;
  /** Drops the waiting ephemeral message of this key. */
  readonly supersedes?: string;
}

/**
 * `live`: there is a socket. `lost`: it went away without a word, and its peer may come back with its resume token.
 * `gone`: for good.
 */
export type Life = "live" | "lost" | "gone";

/**
 * A peer as the features see it: it outlives its socket for the time in which the peer may come back. What is sent
 * while it is not live is dropped; whoever wants it delivered keeps it (a log, a queue, a run).
 */
export interface Connection {
  readonly id: string;
  readonly user: User;
  readonly tier: Tier;
  /** Of each experiment the variant that the user, or the guest, is in. */
  readonly variants: Variants;
  readonly codec: Codec;
  /** Wall clock, milliseconds since 1970. */
  readonly connectedAtMs: number;
  readonly remoteAddress: string;
  readonly session: Session;
  readonly life: Life;
  /** Told at every change of `life`; after `gone` nothing comes any more. Returns the way to stop. */
  onLife(listener: (life: Life) => void): () => void;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
  send<T extends Outgoing>(what: T, payload: OutgoingPayload<T>, options?: SendOptions): void;
  /** In the same order as what is sent with `send`. */
  sendShared(message: SharedMessage, options?: Pick<SendOptions, "supersedes">): void;
  /** Ahead of everything that waits: for pings and their answers. */
  sendControl<T extends ServerMessageType>(type: T, payload: ServerPayloads[T], options?: SendOptions): void;
  /** At most once: a later one of the same key takes its place. */
  sendEphemeral(key: string, message: () => SharedMessage): void;
  /** Settles when nothing else waits, so that a message above the queue's bound may pass, or when it is not live. */
  emptied(): Promise<void>;
  /** Settles when so few bytes wait that a stream may go on, or when it is not live. */
  drained(): Promise<void>;
  /** Sends what is queued, then closes. The peer cannot come back into this connection. */
  close(failure: FailureCode, code: number, retryAfterMs?: number): void;
}
