/** What a transport tells of its peer. */
export interface TransportEvents {
  /** A whole message. */
  onMessage(message: string | Uint8Array): void;
  /** A ping or a pong: a sign of life that is no message. */
  onControlFrame(): void;
  /** Once, whoever began it. */
  onClose(code: number): void;
}

/** Port: one peer at the other end of something that keeps the order. Implementations: `ws`, a pair in memory. */
export interface Transport {
  readonly remoteAddress: string;
  /**
   * Hands over whole frames (RFC 6455), which are not changed afterwards: several transports may get the same bytes.
   * Returns whether the network has taken them already, which is the rule. Where it has not, `done` is called once,
   * later: when they were taken, or when they cannot be any more.
   */
  write(frames: Uint8Array, done: () => void): boolean;
  /** Asks for a sign of life below the messages. */
  ping(): void;
  /** Begins the closing handshake; later writes are dropped. */
  close(code: number, reason: string): void;
  /** Ends it at once. */
  terminate(): void;
  /** Begins the delivery of events; what came before is kept. Called once. */
  listen(events: TransportEvents): void;
}
