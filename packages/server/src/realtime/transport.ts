/** A part of a message. Messages above the write size go as several pieces, in order, never mixed with another's. */
export interface Piece {
  readonly data: Uint8Array;
  readonly binary: boolean;
  readonly first: boolean;
  readonly last: boolean;
}

/** What a transport tells of its peer. */
export interface TransportEvents {
  /** A whole message. */
  onMessage(message: string | Uint8Array): void;
  /** A sign of life that is no message. */
  onAlive(): void;
  /** Once, whoever began it. */
  onClose(code: number): void;
}

/** Port: one peer at the other end of something that keeps the order. Implementations: `ws`, a pair in memory. */
export interface Transport {
  readonly remoteAddress: string;
  /**
   * Hands pieces over as one write. `done` is called once: when they were taken by the network, or when they
   * cannot be any more.
   */
  write(pieces: readonly Piece[], done: () => void): void;
  /** Asks for a sign of life below the messages. */
  ping(): void;
  /** Begins the closing handshake; later writes are dropped. */
  close(code: number, reason: string): void;
  /** Ends it at once. */
  terminate(): void;
  /** Begins the delivery of events; what came before is kept. Called once. */
  listen(events: TransportEvents): void;
}
