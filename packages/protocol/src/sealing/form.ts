import { WIRE_LIMITS } from "../limits.js";
import { fromUtf8, toUtf8 } from "./platform.js";
import { SealError } from "./seal-error.js";

/**
 * A sealed thing in bytes, which anybody can tell from others without its key:
 *
 * `version (1 byte) | nonce (12) | length of the id (2, big-endian) | message id in UTF-8 | ciphertext | tag (16)`
 */
export const SEAL_VERSION = 1;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_AT = 1 + NONCE_BYTES + 2;
/** UTF-8 has three bytes at most for each of the units that are counted. */
const MAX_ID_BYTES = WIRE_LIMITS.maxIdCharacters * 3;

export interface SealedForm {
  readonly nonce: Uint8Array;
  /** The `message_id` under which it was sent. */
  readonly messageId: string;
  /** With the tag behind it. */
  readonly ciphertext: Uint8Array;
}

/** Needs no key. Throws `SealError("bad_form")`. */
export function readSealedForm(sealed: Uint8Array): SealedForm {
  const [version] = sealed;
  if (version !== SEAL_VERSION) {
    throw new SealError("bad_form", `A sealed thing begins with the version ${SEAL_VERSION}.`);
  }
  const idBytes = (sealed[ID_AT - 2] ?? 0) * 256 + (sealed[ID_AT - 1] ?? 0);
  const ciphertext = sealed.subarray(ID_AT + idBytes);
  if (idBytes === 0 || idBytes > MAX_ID_BYTES || ciphertext.byteLength < TAG_BYTES) {
    throw new SealError("bad_form", "A sealed thing holds a nonce, its message id, and what was sealed.");
  }
  return {
    nonce: sealed.subarray(1, 1 + NONCE_BYTES),
    messageId: readId(sealed.subarray(ID_AT, ID_AT + idBytes)),
    ciphertext,
  };
}

export function writeSealedForm({ nonce, messageId, ciphertext }: SealedForm): Uint8Array {
  const id = toUtf8(messageId);
  if (id.byteLength === 0 || messageId.length > WIRE_LIMITS.maxIdCharacters) {
    throw new SealError("bad_form", `A message id has 1 to ${WIRE_LIMITS.maxIdCharacters} characters.`);
  }
  const sealed = new Uint8Array(ID_AT + id.byteLength + ciphertext.byteLength);
  sealed[0] = SEAL_VERSION;
  sealed.set(nonce, 1);
  sealed[ID_AT - 2] = id.byteLength >> 8;
  sealed[ID_AT - 1] = id.byteLength & 0xff;
  sealed.set(id, ID_AT);
  sealed.set(ciphertext, ID_AT + id.byteLength);
  return sealed;
}

function readId(bytes: Uint8Array): string {
  let id: string;
  try {
    id = fromUtf8(bytes);
  } catch {
    throw new SealError("bad_form", "The message id of a sealed thing is UTF-8.");
  }
  if (id.length <= WIRE_LIMITS.maxIdCharacters) return id;
  throw new SealError("bad_form", `A message id has at most ${WIRE_LIMITS.maxIdCharacters} characters.`);
}
