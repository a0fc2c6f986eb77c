import { setImmediate } from "node:timers/promises";
import { connectRaw } from "./raw-socket.js";

const DEADLINE_MS = 20_000;

/** A frame as the server sent it. */
export interface ServerFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly reserved: number;
  readonly data: Buffer;
}

/** Writes bytes, and reads frames: what a library of WebSockets would never do. */
export interface RawClient extends AsyncDisposable {
  /** Lines of the server's answer to the upgrade. */
  readonly answer: string;
  /** All that came, in order. */
  readonly frames: readonly ServerFrame[];
  readonly bytesReceived: number;
  write(...bytes: readonly Uint8Array[]): void;
  /** Each as a packet of its own, as far as the network lets them be. */
  writeApart(chunks: Iterable<Uint8Array>): Promise<void>;
  /** Stops reading, so that what the server sends is not taken. */
  pause(): void;
  /** The next frame for which this is so, of those that were not asked for yet. Rejects at the end of the connection. */
  next(matches: (frame: ServerFrame) => boolean): Promise<ServerFrame>;
  /** The next message of a type of the protocol, in text that is not compressed. */
  nextMessage(type: string): Promise<{ readonly payload: Record<string, unknown> }>;
  /** The code and the reason of the close frame; 1006 where the connection ended without one. */
  closed(): Promise<{ readonly code: number; readonly reason: string }>;
  /** Settles when the connection has ended. */
  ended(): Promise<void>;
}

export async function openRawClient(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawClient> {
  const socket = connectRaw(url, headers);
  const frames: ServerFrame[] = [];
  let answer = "";
  let received = Buffer.alloc(0);
  let bytesReceived = 0;
  let cursor = 0;
  let isOver = false;
  let wake: (() => void) | null = null;

  const take = () => {
    if (answer === "") {
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      answer = received.subarray(0, end).toString("latin1");
      received = received.subarray(end + 4);
    }
    for (let read = frameIn(received); read !== null; read = frameIn(received)) {
      frames.push(read.frame);
      received = received.subarray(read.end);
    }
  };
  socket.on("data", (data) => {
    bytesReceived += data.byteLength;
    received = Buffer.concat([received, data]);
    take();
    wake?.();
  });
  socket.on("close", () => {
    isOver = true;
    wake?.();
  });
  const changed = async () => {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      wake = resolve;
      timer = setTimeout(() => reject(new Error("The server said nothing in time")), DEADLINE_MS);
    });
    clearTimeout(timer);
  };
  while (answer === "" && !isOver) await changed();

  const next: RawClient["next"] = async (matches) => {
    for (;;) {
      for (; cursor < frames.length; ) {
        const frame = frames[cursor++];
        if (frame !== undefined && matches(frame)) return frame;
      }
      if (isOver) throw new Error("The connection ended");
      await changed();
    }
  };

  return {
    answer,
    frames,
    get bytesReceived() {
      return bytesReceived;
    },
    write: (...bytes) => void socket.write(Buffer.concat(bytes)),
    async writeApart(chunks) {
      socket.setNoDelay(true);
      for (const chunk of chunks) {
        if (isOver) return;
        socket.write(chunk);
        await setImmediate();
      }
    },
    pause: () => void socket.pause(),
    next,
    async nextMessage(type) {
      for (;;) {
        const { data } = await next(({ opcode, reserved }) => opcode === 1 && reserved === 0);
        const message = JSON.parse(data.toString());
        if (message.type === type) return message;
      }
    },
    async closed() {
      for (;;) {
        const close = frames.find(({ opcode }) => opcode === 8);
        if (close !== undefined) {
          const { data } = close;
          return {
            code: data.byteLength < 2 ? 1005 : data.readUInt16BE(0),
            reason: data.subarray(2).toString(),
          };
        }
        if (isOver) return { code: 1006, reason: "" };
        await changed();
      }
    },
    async ended() {
      while (!isOver) await changed();
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

/** The first frame of a server (RFC 6455, section 5.2: without a mask), where all of it is there. */
function frameIn(bytes: Buffer): { readonly frame: ServerFrame; readonly end: number } | null {
  if (bytes.byteLength < 2) return null;
  const [first = 0, short = 0] = bytes;
  const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.byteLength < headBytes) return null;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = headBytes + length;
  if (bytes.byteLength < end) return null;
  return {
    frame: {
      opcode: first & 0x0f,
      fin: (first & 0x80) !== 0,
      reserved: (first >> 4) & 7,
      data: bytes.subarray(headBytes, end),
    },
    end,
  };
}
