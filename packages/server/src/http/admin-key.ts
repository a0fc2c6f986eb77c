import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SERVER_LIMITS } from "../limits.js";
import { SettingsError } from "../settings/settings-error.js";

/** Whether what somebody shows is the admin's key. Where there is none, nothing is. */
export type AdminCheck = (shown: string | undefined) => boolean;

/** Throws `SettingsError` where the key is too short to be one. */
export function createAdminCheck(adminKey: string | null): AdminCheck {
  if (adminKey === null) return () => false;
  const { minAdminKeyCharacters: least } = SERVER_LIMITS;
  if (adminKey.length < least) {
    throw new SettingsError(`adminKey has ${adminKey.length} characters; it must have ${least} or more.`);
  }
  const expected = digest(adminKey);
  // Of digests, which are equally long: how long it takes tells nothing about the key.
  return (shown) => shown !== undefined && timingSafeEqual(digest(shown), expected);
}

/** `Authorization: Bearer <key>` (RFC 6750, section 2.1). */
export function bearerOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  return /^bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
