import type { Framed } from "./frames.js";

/** The message in frames of a server, as its codec encoded it. */
export function readFramed({ chunks, byteLength }: Framed): Buffer {
  const message = Buffer.allocUnsafe(byteLength);
  let length = 0;
  for (const chunk of chunks) {
    const payload = chunk.subarray(headerBytes(chunk[1] ?? 0));
    message.set(payload, length);
    length += payload.byteLength;
  }
  return message.subarray(0, length);
}

/** RFC 6455, section 5.2: frames of a server have no mask. */
function headerBytes(lengthField: number): number {
  if (lengthField < 126) return 2;
  return lengthField === 126 ? 4 : 10;
}
