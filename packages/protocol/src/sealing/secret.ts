import { webCrypto } from "./platform.js";
import { SealError } from "./seal-error.js";

const SECRET_BYTES = 32;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const MEMBER = "key";

/** 256 random bits of a new room, in 43 characters of base64url. Who has them reads the room. */
export function createRoomSecret(): string {
  return toBase64Url(webCrypto().getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** Throws `SealError("bad_secret")`. */
export function bytesOfSecret(secret: string): Uint8Array {
  if (!SECRET.test(secret)) {
    throw new SealError("bad_secret", "The secret of a room has 43 letters, digits, `-` and `_`.");
  }
  return fromBase64Url(secret);
}

/** The link with the secret in its fragment, which browsers do not send: `…#key=…`. Other members of it stay. */
export function linkWithSecret(link: string, secret: string): string {
  bytesOfSecret(secret);
  const [address = "", fragment = ""] = splitLink(link);
  const others = fragment.split("&").filter((member) => member !== "" && !member.startsWith(`${MEMBER}=`));
  return `${address}#${[...others, `${MEMBER}=${secret}`].join("&")}`;
}

/** `null` where the link has none, or one that is no secret. */
export function secretOfLink(link: string): string | null {
  const [, fragment = ""] = splitLink(link);
  const found = fragment.split("&").find((member) => member.startsWith(`${MEMBER}=`));
  const secret = found?.slice(MEMBER.length + 1) ?? "";
  return SECRET.test(secret) ? secret : null;
}

function splitLink(link: string): readonly [string, string] {
  const at = link.indexOf("#");
  return at === -1 ? [link, ""] : [link.slice(0, at), link.slice(at + 1)];
}

function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let digit = 0; digit <= Math.min(left, 3); digit++) {
      text += ALPHABET[(group >> (18 - 6 * digit)) & 63];
    }
  }
  return text;
}

function fromBase64Url(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let group = 0;
  let at = 0;
  for (const digit of text) {
    group = ((group << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (group >> bits) & 0xff;
  }
  return bytes;
}
