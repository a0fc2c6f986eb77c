import { inflateMessage } from "./compression.js";
import { type Framed, isDeflated } from "./frames.js";

/** The message in frames of a server, as its codec encoded it. */
export function readFramed(framed: Framed): Buffer {
  const { chunks, byteLength } = framed;
  const message = Buffer.allocUnsafe(byteLength);
  let length = 0;
  for (const chunk of chunks) {
    const payload = chunk.subarray(headerBytes(chunk[1] ?? 0));
    message.set(payload, length);
    length += payload.byteLength;
  }
  const whole = message.subarray(0, length);
  return isDeflated(framed) ? inflateMessage(whole) : whole;
}

/** RFC 6455, section 5.2: frames of a server have no mask. */
function headerBytes(lengthField: number): number {
  if (lengthField < 126) return 2;
  return lengthField === 126 ? 4 : 10;
}
