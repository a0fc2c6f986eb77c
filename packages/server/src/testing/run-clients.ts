import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { TestClient } from "./test-client.js";

/** The chunks of a run that a client got, in order. */
export function chunksOf(log: readonly ServerMessage[], queryId: string): ServerPayloads["query_rows"][] {
  return log.flatMap((message) =>
    message.type === "query_rows" && message.payload.query_id === queryId ? [message.payload] : [],
  );
}

/** The numbers in `?n` of the rows of a run that a client got, in order. */
export function numbersOf(log: readonly ServerMessage[], queryId: string): number[] {
  return chunksOf(log, queryId).flatMap(({ rows }) => rows.map(({ n }) => Number(n?.value)));
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Settles when so many rows of a run have come to a client, ever. */
export async function untilRows(client: TestClient, queryId: string, count: number): Promise<void> {
  let seen = 0;
  for (const { rows } of chunksOf(client.log, queryId)) seen += rows.length;
  while (seen < count) {
    seen = 0;
    await client.next("query_rows", queryId);
    for (const { rows } of chunksOf(client.log, queryId)) seen += rows.length;
  }
}

/**
 * The messages of a run that everybody who watches it gets, as text: all but progress of which only the latest counts.
 * Members stand in the order of their coming, so that equal texts were equal bytes.
 */
export function framesOf(client: TestClient, queryId: string): string[] {
  return client.raw.flatMap((raw, index) => {
    const message = client.log[index];
    if (message === undefined || !("query_id" in message.payload)) return [];
    const isOfRun = message.payload.query_id === queryId && !message.message_id.includes("-passing-");
    return isOfRun ? [JSON.stringify(raw)] : [];
  });
}
