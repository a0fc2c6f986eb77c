import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import { checkForm } from "./sealed-payload.js";

export interface SnapshotPart {
  /** Whose parts they are. */
  readonly connectionId: string;
  readonly messageId: string | undefined;
  readonly epoch: string;
  readonly seq: number;
  readonly part: number;
  readonly partCount: number;
  readonly bytes: Uint8Array;
}

/** Puts together the snapshot of one room from its parts; a first part takes the place of whatever was begun. */
export interface SnapshotParts {
  /** The whole, with the last part. Throws `bad_request`, `bad_seal`, `document_too_large`. */
  add(part: SnapshotPart): Uint8Array | null;
}

export function createSnapshotParts(): SnapshotParts {
  let begun: readonly SnapshotPart[] = [];
  return {
    add(part) {
      const before = part.part === 0 ? [] : begun;
      begun = [];
      if (!follows(before, part)) {
        throw new ProtocolFailure(
          "bad_request",
          "The parts of a snapshot come in order, from one connection, for one place in the log. Begin again with part 0.",
        );
      }
      const all = [...before, part];
      const bytes = all.reduce((sum, { bytes: { byteLength } }) => sum + byteLength, 0);
      if (bytes > SERVER_LIMITS.sealedSnapshotBytes) {
        throw new ProtocolFailure(
          "document_too_large",
          `A sealed snapshot has at most ${SERVER_LIMITS.sealedSnapshotBytes} bytes.`,
        );
      }
      if (all.length < part.partCount) {
        begun = all;
        return null;
      }
      const whole = Buffer.concat(all.map((each) => each.bytes));
      checkForm(whole, all[0]?.messageId);
      return whole;
    },
  };
}

function follows(before: readonly SnapshotPart[], next: SnapshotPart): boolean {
  if (next.part !== before.length || next.part >= next.partCount) return false;
  const [first = next] = before;
  return (
    first.connectionId === next.connectionId &&
    first.epoch === next.epoch &&
    first.seq === next.seq &&
    first.partCount === next.partCount
  );
}
