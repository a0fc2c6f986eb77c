import { CLIENT_LIMITS } from "./limits.js";

/** Whether the server takes it as the id of a message or of a query. */
export function isId(id: string): boolean {
  return typeof id === "string" && id.length > 0 && id.length <= CLIENT_LIMITS.idCharacters;
}

/** 128 random bits. `crypto.randomUUID` is missing in pages that came over plain HTTP. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
