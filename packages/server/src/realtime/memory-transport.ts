import type { Transport, TransportEvents } from "./transport.js";

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
 * written when. Writes are taken at once, or when the peer resumes.
 */
export function createMemoryTransport(): { readonly transport: Transport; readonly peer: MemoryPeer } {
  const messages: (string | Uint8Array)[] = [];
  const writes: number[] = [];
  let parts: Buffer[] = [];
  let binary = false;
  let undone: (() => void)[] = [];
  let paused = false;
  let pings = 0;
  let closed: { code: number; reason: string } | null = null;
  let events: TransportEvents | null = null;

  /** One frame after the other; a message ends with the one that has FIN. */
  const take = (frames: Buffer) => {
    for (let offset = 0; offset < frames.byteLength; ) {
      const { opcode, last, start, end } = frameAt(frames, offset);
      if (opcode !== 0) binary = opcode === 2;
      parts.push(frames.subarray(start, end));
      offset = end;
      if (!last) continue;
      const whole = Buffer.concat(parts);
      parts = [];
      messages.push(binary ? whole : whole.toString("utf8"));
    }
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
      write(frames, done) {
        if (closed === null) {
          writes.push(frames.byteLength);
          take(Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength));
        }
        if (!paused) return true;
        undone.push(done);
        return false;
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
      pong: () => events?.onControlFrame(),
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

/** A frame of a server (RFC 6455, section 5.2), unmasked, of which all bytes are there. */
function frameAt(frames: Buffer, offset: number) {
  const first = frames.readUInt8(offset);
  const short = frames.readUInt8(offset + 1);
  let start = offset + 2;
  let length = short;
  if (short === 126) {
    length = frames.readUInt16BE(start);
    start += 2;
  } else if (short === 127) {
    length = Number(frames.readBigUInt64BE(start));
    start += 8;
  }
  return { opcode: first & 0x0f, last: (first & 0x80) !== 0, start, end: start + length };
}
