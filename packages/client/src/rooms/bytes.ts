/** Bytes of an update or of something sealed, whichever codec brought it. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  if (typeof value !== "string") return value;
  return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  // In pieces: arguments of a call are bounded.
  for (let start = 0; start < bytes.length; start += 8_192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(text);
}
