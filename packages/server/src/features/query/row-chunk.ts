import type { Codec, ServerPayloads } from "@sparql-live/protocol";
import type { Framed } from "../../realtime/frames.js";
import { readFramed } from "../../realtime/read-frames.js";

export type WireRow = ServerPayloads["query_rows"]["rows"][number];

/** Rows that are sent as one message, the same to everybody who watches. */
export interface RowChunk {
  /** From 0. */
  readonly seq: number;
  readonly rowCount: number;
  /** Of a message with these rows, estimated. */
  readonly estimatedBytes: number;
  /** In the first chunk. */
  readonly variables: readonly string[] | null;
  /** Held as they came, or read back from a message that was encoded. */
  rows(): WireRow[];
  /** Here is a message with these rows: as bytes they take a fraction of what they take as objects. */
  keepEncoded(codec: Codec, framed: Framed): void;
  /** Lets the objects go, where a message was kept. */
  release(): void;
}

export function createRowChunk({
  seq,
  rows,
  variables,
  estimatedBytes,
}: Pick<RowChunk, "seq" | "variables" | "estimatedBytes"> & { readonly rows: WireRow[] }): RowChunk {
  let held: WireRow[] | null = rows;
  let encoded: { readonly codec: Codec; readonly framed: Framed } | null = null;
  return {
    seq,
    rowCount: rows.length,
    estimatedBytes,
    variables,
    rows() {
      if (held !== null) return held;
      return encoded === null ? [] : rowsOf(encoded.codec, encoded.framed);
    },
    keepEncoded(codec, framed) {
      encoded ??= { codec, framed };
    },
    release() {
      if (encoded !== null) held = null;
    },
  };
}

function rowsOf(codec: Codec, framed: Framed): WireRow[] {
  const bytes = readFramed(framed);
  // Our own message of this type, as it was encoded.
  const message = codec.decode(codec.binary ? bytes : bytes.toString("utf8")) as {
    readonly payload: ServerPayloads["query_rows"];
  };
  return message.payload.rows;
}
