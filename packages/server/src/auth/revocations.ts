import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { RevocationRecord, RevocationRecords } from "../store.js";
import type { Identity } from "./authenticator.js";

/** What is revoked: one token (`jti`), all that a user has had so far, or all of one sign-in (`sid`). */
export type Revocation =
  | { readonly tokenId: string; readonly expiresAtMs?: number }
  | { readonly userId: string; readonly expiresAtMs?: number }
  | { readonly sessionId: string; readonly expiresAtMs?: number };

/** What was revoked and could still be shown. */
export interface Revocations {
  isRevoked(identity: Identity): boolean;
  /** Throws `token_revoked`. */
  check(identity: Identity): void;
  /** For what lives by an identity: calls `onRevoked` when it is revoked, at once where it is. Returns the way to stop. */
  watch(identity: Identity, onRevoked: () => void): () => void;
  /**
   * Settles when it is stored; from the call on it holds. `expiresAtMs`, of the last token that it is about, says how
   * long it must be kept; a year where nobody says. Throws `bad_request`, `storage_full`, `unavailable`.
   */
  add(revocation: Revocation): Promise<void>;
}

/** Those that a store has kept hold again. */
export async function openRevocations(records: RevocationRecords): Promise<Revocations> {
  const held = new Map<string, RevocationRecord>();
  for (const record of await records.list(Date.now())) held.set(keyOf(record.kind, record.id), record);

  const watches = new Set<{ readonly identity: Identity; readonly onRevoked: () => void }>();

  const holds = (kind: RevocationRecord["kind"], id: string): RevocationRecord | null => {
    const record = held.get(keyOf(kind, id));
    return record === undefined || record.expiresAtMs <= Date.now() ? null : record;
  };
  const forgetExpired = () => {
    for (const [key, { expiresAtMs }] of held) if (expiresAtMs <= Date.now()) held.delete(key);
  };

  const isRevoked = ({ userId, tokenId, sessionId, issuedAtMs }: Identity): boolean => {
    const ofUser = holds("user", userId);
    return (
      (tokenId !== null && holds("token", tokenId) !== null) ||
      (sessionId !== null && holds("session", sessionId) !== null) ||
      // Who signs in again after it gets a younger token, which is good.
      (ofUser !== null && (issuedAtMs === null || issuedAtMs <= ofUser.revokedAtMs))
    );
  };

  return {
    isRevoked,
    check(identity) {
      if (!isRevoked(identity)) return;
      throw new ProtocolFailure("token_revoked", "The token was revoked; sign in again.");
    },
    watch(identity, onRevoked) {
      if (isRevoked(identity)) {
        onRevoked();
        return () => undefined;
      }
      const watch = { identity, onRevoked };
      watches.add(watch);
      return () => watches.delete(watch);
    },
    async add(revocation) {
      const record = recordOf(revocation);
      const key = keyOf(record.kind, record.id);
      if (!held.has(key) && held.size >= SERVER_LIMITS.revocationsCount) forgetExpired();
      if (!held.has(key) && held.size >= SERVER_LIMITS.revocationsCount) {
        throw new ProtocolFailure(
          "storage_full",
          "There are too many revocations; older ones are not forgotten.",
        );
      }
      const before = held.get(key);
      // An earlier one of a longer time must not be shortened.
      const kept = { ...record, expiresAtMs: Math.max(record.expiresAtMs, before?.expiresAtMs ?? 0) };
      held.set(key, kept);
      for (const watch of [...watches]) {
        if (isRevoked(watch.identity) && watches.delete(watch)) watch.onRevoked();
      }
      await records.put(kept);
    },
  };
}

function recordOf(revocation: Revocation): RevocationRecord {
  const revokedAtMs = Date.now();
  const latestMs = revokedAtMs + SERVER_LIMITS.maxTokenLifeMs;
  const { expiresAtMs = latestMs } = revocation;
  const [kind, id] =
    "tokenId" in revocation
      ? (["token", revocation.tokenId] as const)
      : "userId" in revocation
        ? (["user", revocation.userId] as const)
        : (["session", revocation.sessionId] as const);
  if (Number.isNaN(expiresAtMs) || id === "" || id.length > SERVER_LIMITS.maxTokenCharacters) {
    throw new ProtocolFailure(
      "bad_request",
      "Say which tokenId, userId or sessionId is revoked, and until when.",
    );
  }
  return { kind, id, revokedAtMs, expiresAtMs: Math.ceil(Math.min(expiresAtMs, latestMs)) };
}

function keyOf(kind: RevocationRecord["kind"], id: string): string {
  return `${kind}:${id}`;
}
