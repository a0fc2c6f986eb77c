import type { IncomingMessage } from "node:http";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { SERVER_LIMITS } from "../limits.js";

/**
 * The extension permessage-deflate (RFC 7692), without context takeover on either side: each message is compressed
 * by itself, so that all who negotiated it can be sent the same bytes. A window of 4 KiB is the smallest that common
 * clients ask for, and finds nearly all that repeats in rows.
 */
const WINDOW_BITS = 12;

/** For `ws`, which reads compressed messages; it never writes any. */
export const DEFLATE_OPTIONS = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: WINDOW_BITS,
};

/** Behind each flush (section 7.2.1); it is not sent. */
const TAIL_BYTES = 4;
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** Whether the client offers the extension with a window that is not smaller than ours. */
export function offersDeflate({ headers }: IncomingMessage): boolean {
  const offer = headers["sec-websocket-extensions"];
  if (offer === undefined || !offer.includes("permessage-deflate")) return false;
  const windows = [...offer.matchAll(/server_max_window_bits\s*=\s*"?(\d+)/g)];
  return windows.every(([, bits]) => Number(bits) >= WINDOW_BITS);
}

/**
 * A message as it is sent compressed. `null` where it goes as it is: where it is too small to gain, or so large that
 * everybody would wait meanwhile, or does not become smaller.
 */
export function deflateMessage(message: Uint8Array): Uint8Array | null {
  const { minDeflatedBytes, maxDeflatedBytes } = SERVER_LIMITS;
  if (message.byteLength < minDeflatedBytes || message.byteLength > maxDeflatedBytes) return null;
  const deflated = deflateRawSync(message, {
    windowBits: WINDOW_BITS,
    level: constants.Z_BEST_SPEED,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const byteLength = deflated.byteLength - TAIL_BYTES;
  return byteLength < message.byteLength ? deflated.subarray(0, byteLength) : null;
}

/** A message of our own as it was. */
export function inflateMessage(deflated: Uint8Array): Buffer {
  return inflateRawSync(Buffer.concat([deflated, TAIL]), {
    windowBits: WINDOW_BITS,
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: SERVER_LIMITS.maxDeflatedBytes,
  });
}
