import type { RoomSeal, SealKind } from "@sparql-live/protocol/sealing";
import { bytesOf, toBase64 } from "./bytes.js";

/** Seals and opens what is sent in one encrypted room. */
export interface Sealer {
  /** Whether the codec carries bytes as they are; else base64. */
  readonly isBinary: boolean;
  seal(
    kind: SealKind,
    plaintext: Uint8Array,
    userId: string,
    messageId: string,
  ): Promise<string | Uint8Array>;
  /** Rejects with a `SealError` where it is not what it claims to be. */
  open(kind: SealKind, sealed: string | Uint8Array, userId: string): Promise<Uint8Array>;
}

/** Loads the code for it when it is needed first. */
export function createSealer(secret: string, roomId: string, isBinary: boolean): Sealer {
  let opened: Promise<RoomSeal> | null = null;
  const seal = () => {
    opened ??= import("@sparql-live/protocol/sealing").then(({ openRoomSeal }) =>
      openRoomSeal(secret, roomId),
    );
    return opened;
  };
  return {
    isBinary,
    async seal(kind, plaintext, userId, messageId) {
      const sealed = await (await seal()).seal(plaintext, { kind, userId, messageId });
      return isBinary ? sealed : toBase64(sealed);
    },
    async open(kind, sealed, userId) {
      return (await (await seal()).open(bytesOf(sealed), { kind, userId })).plaintext;
    },
  };
}

export function sealedJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value ?? null));
}

export function openedJson(plaintext: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(plaintext));
}
