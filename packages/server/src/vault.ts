import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** Seals what the server must be able to read again, and nobody else who gets hold of its file. */
export interface Vault {
  /** `context` names what it is and whose; the same must be given to open it. */
  seal(plaintext: string, context: string): string;
  /** `null` where none of the keys opens it, or it was moved or changed. */
  open(sealed: string, context: string): OpenedSecret | null;
}

export interface OpenedSecret {
  readonly plaintext: string;
  /** It was sealed with a former key: whoever keeps it seals it anew. */
  readonly isOutdated: boolean;
}

const VERSION = "v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 8;
const KEY_FILE_BYTES = 32;

interface VaultKey {
  readonly id: string;
  readonly key: Buffer;
}

/**
 * AES-256-GCM under a key derived from `secret` (HKDF-SHA-256). `former` secrets open what was sealed with them.
 * Sealed: `v1.<key id>.<nonce, ciphertext, tag in base64url>`.
 */
export function createVault(secret: string, former: readonly string[] = []): Vault {
  const current = keyOf(secret);
  const keys = new Map([...former.map(keyOf), current].map((each) => [each.id, each]));
  return {
    seal(plaintext, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", current.key, nonce).setAAD(aadOf(current.id, context));
      const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
      return `${VERSION}.${current.id}.${sealed.toString("base64url")}`;
    },
    open(sealed, context) {
      const [version, id = "", data = ""] = sealed.split(".");
      const key = keys.get(id);
      const bytes = Buffer.from(data, "base64url");
      if (version !== VERSION || key === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv("aes-256-gcm", key.key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(aadOf(id, context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const plaintext = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return { plaintext: Buffer.concat(plaintext).toString(), isOutdated: id !== current.id };
      } catch {
        return null;
      }
    },
  };
}

/** Of a key that is gone with this process, where nothing outlives it anyway. */
export function createEphemeralVault(): Vault {
  return createVault(randomBytes(KEY_FILE_BYTES).toString("base64url"));
}

/** The secret in a file that only this user can read; made where it is not there. Throws what the system throws. */
export function secretOfFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secret = randomBytes(KEY_FILE_BYTES).toString("base64url");
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, `${secret}\n`);
  } finally {
    closeSync(file);
  }
  return secret;
}

function keyOf(secret: string): VaultKey {
  const key = Buffer.from(hkdfSync("sha256", secret, "sparql-live vault 1", "", 32));
  const id = createHash("sha256").update("sparql-live vault key").update(key).digest();
  return { id: id.subarray(0, KEY_ID_BYTES).toString("base64url"), key };
}

function aadOf(keyId: string, context: string): Buffer {
  return Buffer.from(JSON.stringify([VERSION, keyId, context]));
}
