import { NONCE_BYTES, readSealedForm, SEAL_VERSION, writeSealedForm } from "./form.js";
import { type CryptoKey, toUtf8, webCrypto } from "./platform.js";
import { SealError } from "./seal-error.js";
import { bytesOfSecret } from "./secret.js";

/** What is sealed, by the message that carries it. */
export type SealKind = "message" | "cursor" | "document" | "awareness" | "snapshot";

/** By whom and as what something was sealed. A server that says otherwise of it is found out. */
export interface SealOrigin {
  readonly kind: SealKind;
  /** The sender's, as the server tells it to all. */
  readonly userId: string;
}

export interface Opened {
  readonly plaintext: Uint8Array;
  /** Of its sender's choice. Who keeps those that came notices where the server sends a thing twice. */
  readonly messageId: string;
}

/** Seals and opens what is sent in one room. */
export interface RoomSeal {
  /** `messageId`: the `message_id` of the message that will carry it. */
  seal(plaintext: Uint8Array, origin: SealOrigin & { readonly messageId: string }): Promise<Uint8Array>;
  /** Rejects with `SealError`: `bad_form`, `not_authentic`. */
  open(sealed: Uint8Array, origin: SealOrigin): Promise<Opened>;
}

/**
 * AES-256-GCM under a key that is derived from the secret for this room alone (HKDF-SHA-256, RFC 5869), with a random
 * nonce for each thing. What it is bound to (GCM's additional data) is the UTF-8 of the JSON array
 * `[version, room id, kind, user id, message id]`.
 *
 * Nonces are random: below 2^32 things sealed in a room they may be taken for unique (NIST SP 800-38D, section 8.3).
 * Rejects with `SealError("bad_secret")`.
 */
export async function openRoomSeal(secret: string, roomId: string): Promise<RoomSeal> {
  const key = await deriveKey(bytesOfSecret(secret), roomId);
  const { subtle } = webCrypto();
  const parametersOf = (nonce: Uint8Array, { kind, userId }: SealOrigin, messageId: string) =>
    ({
      name: "AES-GCM",
      iv: nonce,
      additionalData: toUtf8(JSON.stringify([SEAL_VERSION, roomId, kind, userId, messageId])),
      tagLength: 128,
    }) as const;
  return {
    async seal(plaintext, { messageId, ...origin }) {
      const nonce = webCrypto().getRandomValues(new Uint8Array(NONCE_BYTES));
      const ciphertext = await subtle.encrypt(parametersOf(nonce, origin, messageId), key, plaintext);
      return writeSealedForm({ nonce, messageId, ciphertext: new Uint8Array(ciphertext) });
    },
    async open(sealed, origin) {
      const { nonce, messageId, ciphertext } = readSealedForm(sealed);
      try {
        const plaintext = await subtle.decrypt(parametersOf(nonce, origin, messageId), key, ciphertext);
        return { plaintext: new Uint8Array(plaintext), messageId };
      } catch {
        throw new SealError(
          "not_authentic",
          "It was sealed with another key, changed, or belongs to another room, kind or sender.",
        );
      }
    },
  };
}

async function deriveKey(secret: Uint8Array, roomId: string): Promise<CryptoKey> {
  const { subtle } = webCrypto();
  const from = await subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: toUtf8("sparql-live room seal 1"),
    info: toUtf8(roomId),
  } as const;
  return subtle.deriveKey(derivation, from, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
