/**
 * Opens the store of the path and appends with 16 writers, without an end of its own; each line of the output is an
 * id whose promise has settled. Built code, as another process runs it.
 */
import { openFileStorage } from "../../dist/file-storage.js";

const [path = "", run = ""] = process.argv.slice(2);
const WRITERS_COUNT = 16;
const MAX_APPENDS_COUNT = 100_000;

const retention = { maxEntriesCount: 1_000_000, maxAgeMs: 3_600_000, maxBytes: 1_000_000_000 };
const { broker } = await openFileStorage(path, { bounds: { roomLogs: retention } });
await broker.runs.put({ key: run, startedAtMs: Date.now(), endedAtMs: null, log: null });
process.stdout.write("open\n");

await Promise.all(
  Array.from({ length: WRITERS_COUNT }, async (_, writer) => {
    for (let n = 0; n < MAX_APPENDS_COUNT; n++) {
      const id = `${run}-${writer}-${n}`;
      await broker.logs.append("room:burst", { id, data: "x".repeat(200) });
      process.stdout.write(`${id}\n`);
    }
  }),
);
