import type { Piece, Transport, TransportEvents } from "./transport.js";

/** The other end of a transport in memory: what a peer would do and see. */
export interface MemoryPeer {
  /** Messages received whole, in order. */
  readonly messages: readonly (string | Uint8Array)[];
  /** Set once the server closed (or terminated: 1006). */
  readonly closed: { readonly code: number; readonly reason: string } | null;
  readonly pings: number;
  /** The bytes of each write that was handed over. */
  readonly writes: readonly number[];
  send(message: string | Uint8Array): void;
  pong(): void;
  close(code: number): void;
  /** While paused nothing is read: writes stay undone. */
  pause(): void;
  resume(): void;
}

/**
 * A transport without a network: to embed the server in the process of its client, and to see exactly what is
 * written when. Writes are done in a microtask, or when the peer resumes.
 */
export function createMemoryTransport(): { readonly transport: Transport; readonly peer: MemoryPeer } {
  const messages: (string | Uint8Array)[] = [];
  const writes: number[] = [];
  let parts: Uint8Array[] = [];
  let undone: (() => void)[] = [];
  let paused = false;
  let pings = 0;
  let closed: { code: number; reason: string } | null = null;
  let events: TransportEvents | null = null;

  const take = (piece: Piece) => {
    parts.push(piece.data);
    if (!piece.last) return;
    const whole = Buffer.concat(parts);
    parts = [];
    messages.push(piece.binary ? whole : whole.toString("utf8"));
  };
  const end = (code: number, reason: string) => {
    if (closed !== null) return;
    closed = { code, reason };
    queueMicrotask(() => events?.onClose(code));
  };
  const settle = () => {
    const dones = undone;
    undone = [];
    for (const done of dones) queueMicrotask(done);
  };

  return {
    transport: {
      remoteAddress: "memory",
      write(pieces, done) {
        if (closed === null) {
          writes.push(pieces.reduce((sum, { data }) => sum + data.byteLength, 0));
          for (const piece of pieces) take(piece);
        }
        undone.push(done);
        if (!paused) settle();
      },
      ping() {
        pings++;
      },
      close: end,
      terminate: () => end(1006, ""),
      listen(listener) {
        events = listener;
      },
    },
    peer: {
      messages,
      writes,
      get closed() {
        return closed;
      },
      get pings() {
        return pings;
      },
      send: (message) => events?.onMessage(message),
      pong: () => events?.onAlive(),
      close: (code) => end(code, ""),
      pause() {
        paused = true;
      },
      resume() {
        paused = false;
        settle();
      },
    },
  };
}
