import { ProtocolFailure } from "@sparql-live/protocol";
import { readSealedForm, SealError } from "@sparql-live/protocol/sealing";
import type { RoomRecord } from "../../store.js";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * The sealed bytes of a message in an encrypted room; `null` in other rooms, where there must be none. Throws
 * `seal_required`, `seal_unexpected` and `bad_seal`.
 */
export function sealedOf(
  record: Pick<RoomRecord, "id" | "isEncrypted">,
  sealed: string | Uint8Array | undefined,
  messageId: string | undefined,
): Uint8Array | null {
  if (!record.isEncrypted && sealed === undefined) return null;
  if (!record.isEncrypted) throw sealUnexpected(record.id);
  if (sealed === undefined) throw sealRequired(record.id);
  const bytes = bytesOfSealed(sealed);
  checkForm(bytes, messageId);
  return bytes;
}

export function sealRequired(roomId: string): ProtocolFailure {
  return new ProtocolFailure(
    "seal_required",
    `The room "${roomId}" is encrypted; seal it with the key of the room and send it as \`sealed\`.`,
  );
}

export function sealUnexpected(roomId: string): ProtocolFailure {
  return new ProtocolFailure("seal_unexpected", `The room "${roomId}" is not encrypted; send it clear.`);
}

/** Throws `bad_seal`. */
export function bytesOfSealed(sealed: string | Uint8Array): Uint8Array {
  if (typeof sealed !== "string") return sealed;
  if (BASE64.test(sealed)) return Buffer.from(sealed, "base64");
  throw new ProtocolFailure("bad_seal", "`sealed` is not base64 (RFC 4648, section 4).");
}

/** All that can be checked without the key. Throws `bad_seal`. */
export function checkForm(bytes: Uint8Array, messageId: string | undefined): void {
  let sealedId: string;
  try {
    sealedId = readSealedForm(bytes).messageId;
  } catch (error) {
    if (error instanceof SealError) throw new ProtocolFailure("bad_seal", error.message);
    throw error;
  }
  if (sealedId === messageId) return;
  throw new ProtocolFailure(
    "bad_seal",
    "What is sealed names another message_id than the message that carries it.",
  );
}
