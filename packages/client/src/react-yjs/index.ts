"use client";

export type { RoomDocumentView } from "./room-document.js";
export { useRoomDocument } from "./use-room-document.js";
