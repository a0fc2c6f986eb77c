import { once } from "node:events";
import type { ServerMessage } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer } from "../../testing/start-server.js";
import { createStreamEngine } from "../../testing/stream-engine.js";

const ROWS = 1_000_000;
const CREDIT_ROWS = 20_000;
const MAX_GROWTH_BYTES = 170 * 1024 * 1024;

/** What this process holds: its heap, and what hangs on it outside. */
function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("[WATCH-7] memory stays bounded while a reader that is slower than the engine reads 1,000,000 rows", async () => {
  const engine = createStreamEngine({ rowCount: ROWS, batchRows: 1_000, valueCharacters: 300 });
  await using server = await startServer({ engine, settings: { rateLimitPerMinute: 0, maxRows: ROWS } });
  const socket = new WebSocket(`${server.ws}?user_id=ada`);
  await once(socket, "open");
  const before = heldBytes();
  let highest = before;
  let rowsCount = 0;
  let bytes = 0;
  let chunksCount = 0;
  let isInOrder = true;
  let sinceGrantCount = 0;
  const ended = new Promise<string>((resolve) => {
    socket.on("message", (data: Buffer) => {
      bytes += data.byteLength;
      const { type, payload } = JSON.parse(data.toString("utf8")) as ServerMessage;
      if (type === "query_progress" && (payload.stage === "completed" || payload.stage === "failed")) {
        resolve(payload.stage);
      }
      if (type !== "query_rows") return;
      isInOrder &&= payload.seq === chunksCount;
      chunksCount++;
      rowsCount += payload.rows.length;
      sinceGrantCount += payload.rows.length;
      highest = Math.max(highest, heldBytes());
      if (sinceGrantCount < CREDIT_ROWS) return;
      sinceGrantCount = 0;
      // Slow: it thinks until the next turn of the loop about what it got before it takes more.
      setImmediate(() =>
        socket.send(JSON.stringify({ type: "query_credit", payload: { query_id: "q", rows: CREDIT_ROWS } })),
      );
    });
  });
  const payload = {
    sparql: "SELECT ?n ?value { ?n ?p ?value }",
    stream: true,
    credit: CREDIT_ROWS,
    limit: ROWS,
  };
  socket.send(JSON.stringify({ type: "query_request", message_id: "q", payload }));
  expect(await ended).toBe("completed");
  socket.close(1000);
  expect([rowsCount, isInOrder]).toEqual([ROWS, true]);
  // As much as went by would not have fitted.
  expect(bytes).toBeGreaterThan(2 * MAX_GROWTH_BYTES);
  expect(highest - before).toBeLessThan(MAX_GROWTH_BYTES);
}, 180_000);
