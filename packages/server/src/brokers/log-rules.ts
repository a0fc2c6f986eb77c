import { randomBytes } from "node:crypto";
import { ProtocolFailure } from "@sparql-live/protocol";

/** 96 random bits in 16 characters. */
export function randomEpoch(): string {
  return randomBytes(12).toString("base64url");
}

export function pinnedFull(name: string): ProtocolFailure {
  return new ProtocolFailure(
    "storage_full",
    `Too many updates of ${name} wait to be put together in a snapshot. Try again when one was saved.`,
  );
}

export function snapshotAhead(name: string, snapshotSeq: number, seq: number): ProtocolFailure {
  return new ProtocolFailure(
    "internal_error",
    `A snapshot up to entry ${snapshotSeq} is ahead of ${name}, whose newest entry is ${seq}.`,
  );
}
