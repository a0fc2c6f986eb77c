/**
 * Sealing of what is sent in encrypted rooms, for clients: the server never has the key. Needs WebCrypto alone, in
 * browsers and in Node 20 alike.
 */
export { readSealedForm, type SealedForm } from "./form.js";
export { type Opened, openRoomSeal, type RoomSeal, type SealKind, type SealOrigin } from "./room-seal.js";
export { SealError, type SealErrorCode } from "./seal-error.js";
export { createRoomSecret, linkWithSecret, secretOfLink } from "./secret.js";
