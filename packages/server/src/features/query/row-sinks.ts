import type { Binding } from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { Connection } from "../../realtime/connection.js";
import { chunkLength } from "./chunks.js";
import type { Credit } from "./credit.js";

type WireRow = ServerPayloads["query_rows"]["rows"][number];

/** Where the rows of a run go. While `rows` is not settled the engine is not asked for more. */
export interface RowSink {
  head(variables: readonly string[]): void;
  rows(rows: readonly Binding[]): Promise<void>;
  /** The rows that belong into the `query_result`. */
  readonly collected: readonly Binding[];
}

export function collectRows(): RowSink {
  const collected: Binding[] = [];
  return {
    head: () => undefined,
    async rows(rows) {
      for (const row of rows) collected.push(row);
    },
    collected,
  };
}

/** Sends rows on as they come: as many as the watcher granted, and only while its connection takes them. */
export function streamRows({
  queryId,
  correlationId,
  connection,
  credit,
  signal,
}: {
  readonly queryId: string;
  readonly correlationId: string | undefined;
  readonly connection: Connection;
  readonly credit: Credit;
  readonly signal: AbortSignal;
}): RowSink {
  let seq = 0;
  let variables: readonly string[] = [];
  return {
    head(names) {
      variables = names;
    },
    async rows(rows) {
      let start = 0;
      while (start < rows.length) {
        const fitting = chunkLength(rows, start, rows.length - start, SERVER_LIMITS.maxChunkBytes);
        const count = await credit.take(fitting, signal);
        const payload = {
          query_id: queryId,
          seq,
          ...(seq === 0 ? { variables: [...variables] } : {}),
          rows: rows.slice(start, start + count) as WireRow[],
        };
        connection.send("query_rows", payload, { correlationId });
        seq++;
        start += count;
        await connection.drained();
      }
    },
    collected: [],
  };
}
