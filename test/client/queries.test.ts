import { CLIENT_LIMITS, type Row } from "@sparql-live/client";
import { rowValues } from "@sparql-live/client/terms";
import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { createStreamEngine } from "../../packages/server/src/testing/stream-engine.js";
import { openLibraryClient } from "./support.js";

const CITIES = "SELECT ?s ?n { ?s <http://example.org/population> ?n } ORDER BY ?n";

test("[CLIENT-20] a query is a promise of its result, with progress that never goes back", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  const stages: string[] = [];
  const amounts: number[] = [];
  const result = await client.sendQuery(
    { sparql: CITIES },
    {
      onProgress({ stage, progress }) {
        stages.push(stage);
        amounts.push(progress);
      },
    },
  );
  expect(result.results?.bindings.map((row) => rowValues(row).n)).toEqual([330_000, 700_000, 2_100_000]);
  expect(stages[0]).toBe("parsing");
  expect(stages.at(-1)).toBe("completed");
  expect(amounts).toEqual(amounts.toSorted((a, b) => a - b));
});

test("[CLIENT-20] a question is asked as it is, and a query that is wrong rejects with its place", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  expect((await client.sendQuery("all cities")).row_count).toBe(3);
  await expect(client.sendQuery({ sparql: "SELECT * {\n ?s ?p }" })).rejects.toMatchObject({
    name: "SparqlLiveError",
    code: "bad_query",
    retry: false,
    details: { line: 2 },
  });
});

test("[CLIENT-20] without a limit as many rows come as the server gives", async () => {
  const engine = createStreamEngine({ rowCount: 3_000 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const result = await client.sendQuery({ sparql: "SELECT * {}" });
  expect(result.results?.bindings).toHaveLength(3_000);
});

test("[CLIENT-21] rows are handed on as they come, each once and in order", async () => {
  const engine = createStreamEngine({ rowCount: 5_000 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const numbers: number[] = [];
  const result = await client.sendQuery(
    { sparql: "SELECT * {}" },
    {
      onRows(rows, { variables }) {
        expect(variables).toEqual(["n", "value"]);
        numbers.push(...rows.map(({ n }) => Number(n?.value)));
      },
    },
  );
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
  expect(result.row_count).toBe(5_000);
});

test("[CLIENT-22] a loop over rows reads at its own pace: no more than the buffer and a chunk wait", async () => {
  const engine = createStreamEngine({ rowCount: 1_000_000 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const stream = client.query({ sparql: "SELECT * {}" }, { bufferRows: 200, mapRow: rowValues });
  let most = 0;
  let count = 0;
  for await (const { n } of stream) {
    expect(n).toBe(String(count));
    most = Math.max(most, stream.bufferedCount);
    if (++count === 2_000) break;
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(300);
  await expect(stream.result).rejects.toMatchObject({ code: "query_cancelled" });
  await expect.poll(() => engine.openCount).toBe(0);
  // The endpoint was not read on: what was taken is what was read, what waited, and what the server holds.
  expect(engine.rowsTakenCount).toBeLessThan(5_000);
});

test("[CLIENT-23] a query is cancelled by its id, by its signal and by leaving the loop", async () => {
  const engine = createStreamEngine({ rowCount: 1_000_000_000 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const stream = client.query({ sparql: "SELECT * {}" });
  expect((await stream.next()).done).toBe(false);
  await client.cancelQuery(stream.queryId);
  await expect(stream.result).rejects.toMatchObject({ code: "query_cancelled" });

  const stop = new AbortController();
  const reason = new Error("enough");
  const aborted = client.sendQuery(
    { sparql: "SELECT * {}" },
    { signal: stop.signal, onRows: () => stop.abort(reason) },
  );
  await expect(aborted).rejects.toMatchObject({ code: "aborted", cause: reason });
  await expect.poll(() => engine.openCount).toBe(0);
  await expect(client.sendQuery({ sparql: "ASK {}" }, { signal: AbortSignal.abort() })).rejects.toMatchObject(
    {
      code: "aborted",
    },
  );
});

test("[CLIENT-23] after its signal a query hands on nothing more, and a row that cannot be mapped leaves the loop", async () => {
  const engine = createStreamEngine({ rowCount: 50_000 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  const aborting = new AbortController();
  let lateCount = 0;
  const { signal } = aborting;
  const count = () => void (signal.aborted && lateCount++);
  const onRows = () => {
    count();
    aborting.abort();
  };
  const aborted = client.sendQuery({ sparql: "SELECT * {}" }, { signal, onRows, onProgress: count });
  const cancelled = new Promise((resolve) => client.once("query_cancelled", resolve));
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  await cancelled;
  expect(lateCount).toBe(0);
  const mapRow = () => {
    throw new Error("not as it should be");
  };
  const rows = client.query({ sparql: "SELECT * {}" }, { mapRow });
  await expect(rows.next()).rejects.toThrow("not as it should be");
  await expect(rows.result).rejects.toMatchObject({ code: "query_cancelled" });
});

test("[CLIENT-24] a query with an id that none can have is not there", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  await client.connect();
  for (const id of ["", "q".repeat(129)]) {
    await expect(client.attachQuery(id)).rejects.toMatchObject({ code: "query_not_found" });
  }
  await expect(client.attachQuery("q".repeat(128))).rejects.toMatchObject({ code: "query_not_found" });
});

test("[CLIENT-21] what a function for rows returns beside a promise does not matter", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  const taken: Row[] = [];
  const onRows: (rows: readonly Row[]) => void = (rows) => taken.push(...rows);
  await client.sendQuery("all cities", { onRows });
  expect(taken).toHaveLength(3);
});

test("[CLIENT-21] the result waits for what the function for rows is still doing, and no more is asked for meanwhile", async () => {
  const engine = createStreamEngine({ rowCount: 20_000, batchRows: 100 });
  await using server = await startServer({ engine });
  using client = openLibraryClient(server.ws);
  let takenCount = 0;
  let begunCount = 0;
  let mostAtOnce = 0;
  const result = await client.sendQuery(
    { sparql: "SELECT * {}" },
    {
      async onRows(rows) {
        begunCount += rows.length;
        mostAtOnce = Math.max(mostAtOnce, begunCount - takenCount);
        await new Promise((resolve) => setImmediate(resolve));
        takenCount += rows.length;
      },
    },
  );
  expect([takenCount, result.row_count]).toEqual([20_000, 20_000]);
  expect(mostAtOnce).toBeLessThanOrEqual(CLIENT_LIMITS.bufferRows + 100);
});

test("[CLIENT-19] a query whose rows are taken for ever is rejected with the end of the connection", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  const completed = new Promise((resolve) => client.once("query_result", resolve));
  const onRows = () => new Promise<void>(() => undefined);
  const ended = expect(client.sendQuery("all cities", { onRows })).rejects.toMatchObject({
    code: "connection_closed",
  });
  await completed;
  client.disconnect();
  await ended;
});

test.each<[string, () => Promise<void>]>([
  [
    "throws",
    () => {
      throw new TypeError("no place for rows");
    },
  ],
  ["rejects", () => Promise.reject(new TypeError("no place for rows"))],
])(
  "[CLIENT-21] a function for rows that %s fails the query, with its error as the cause",
  async (_, onRows) => {
    await using server = await startServer();
    using client = openLibraryClient(server.ws);
    const cancelled = client.sendQuery("all cities", { onRows });
    await expect(cancelled).rejects.toMatchObject({ code: "aborted", cause: expect.any(TypeError) });
    expect((await client.sendQuery("all cities")).row_count).toBe(3);
  },
);

test("[CLIENT-28] a function for progress that throws disturbs neither its query nor the connection", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  const thrown: unknown[] = [];
  const former = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  try {
    const onProgress = () => {
      throw new RangeError("no bar to fill");
    };
    expect((await client.sendQuery("all cities", { onProgress })).row_count).toBe(3);
    await expect.poll(() => thrown.length).toBeGreaterThan(0);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of former) process.on("uncaughtException", listener);
  }
  expect(thrown).toEqual(thrown.map(() => expect.any(RangeError)));
  expect(client.state.kind).toBe("open");
});

test("[CLIENT-24] a run of the same user is watched from another client, from its start or behind a chunk", async () => {
  const engine = createStreamEngine({ rowCount: 4_000 });
  await using server = await startServer({ engine });
  using first = openLibraryClient(server.ws, { userId: "ada" });
  using second = openLibraryClient(server.ws, { userId: "ada" });
  const stream = first.query({ sparql: "SELECT * {}" }, { bufferRows: 100 });
  await stream.next();
  let count = 0;
  let seq = -1;
  await second.attachQuery(stream.queryId, {
    onRows(rows, chunk) {
      count += rows.length;
      seq = chunk.seq;
    },
  });
  expect(count).toBe(4_000);
  const rest: number[] = [];
  using third = openLibraryClient(server.ws, { userId: "ada" });
  await third.attachQuery(stream.queryId, {
    since: seq - 1,
    onRows: (_, chunk) => void rest.push(chunk.seq),
  });
  expect(rest).toEqual([seq]);
  await expect(second.attachQuery("nothing")).rejects.toMatchObject({ code: "query_not_found" });
});

test("[CLIENT-24] a run of the room is watched as it is wanted, however it was asked for and soon over", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 0 } });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  await Promise.all([ada.joinRoom("lab"), bob.joinRoom("lab")]);
  for (const isStreamed of [true, false]) {
    for (const wantsRows of [true, false]) {
      const watched = new Promise<number>((resolve, reject) => {
        const stop = bob.on("query_progress", ({ query_id: queryId }) => {
          stop();
          const rows: Row[] = [];
          const onRows = wantsRows ? (more: readonly Row[]) => void rows.push(...more) : undefined;
          bob.attachQuery(queryId, { room_id: "lab", onRows }).then(({ results }) => {
            resolve((wantsRows ? rows : results?.bindings)?.length ?? 0);
          }, reject);
        });
      });
      await ada.sendQuery("all cities", {
        room_id: "lab",
        onRows: isStreamed ? () => undefined : undefined,
      });
      expect(await watched).toBe(3);
    }
  }
});

test("[CLIENT-24] a signal ends the watching of what this client reads already, and the reading goes on", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws, { userId: "ada" });
  const stream = client.query({ sparql: "SELECT * { ?s ?p ?o } # urn:test:endless" });
  await stream.next();
  for (const more of [{}, { onRows: () => undefined }]) {
    const control = new AbortController();
    const { signal } = control;
    const watched = client.attachQuery(stream.queryId, { signal, ...more });
    control.abort();
    await expect(watched).rejects.toMatchObject({ code: "aborted" });
    await expect(client.attachQuery(stream.queryId, { signal, ...more })).rejects.toMatchObject({
      code: "aborted",
    });
  }
  expect((await stream.next()).done).toBe(false);
  await client.cancelQuery(stream.queryId);
  await expect(stream.result).rejects.toMatchObject({ code: "query_cancelled" });
});

test("[CLIENT-23] a query of another connection is cancelled when the server says so; what is over is no mistake", async () => {
  await using server = await startServer();
  using first = openLibraryClient(server.ws, { userId: "ada" });
  using second = openLibraryClient(server.ws, { userId: "ada" });
  const stream = first.query({ sparql: "SELECT * { ?s ?p ?o } # urn:test:endless" });
  await stream.next();
  await second.cancelQuery(stream.queryId);
  const read = async () => {
    for await (const _ of stream);
  };
  await expect(read()).rejects.toMatchObject({ code: "query_cancelled" });
  await second.cancelQuery(stream.queryId);
  second.disconnect();
  await expect(second.cancelQuery(stream.queryId)).rejects.toMatchObject({ code: "connection_closed" });
});

test("[CLIENT-23] who cancels a query of another connection twice at the same time is answered twice", async () => {
  await using server = await startServer();
  using first = openLibraryClient(server.ws, { userId: "ada" });
  using second = openLibraryClient(server.ws, { userId: "ada" });
  const stream = first.query({ sparql: "SELECT * { ?s ?p ?o } # urn:test:endless" });
  stream.result.catch(() => undefined);
  await stream.next();
  const cancelTwice = () =>
    Promise.all([second.cancelQuery(stream.queryId), second.cancelQuery(stream.queryId)]);
  await cancelTwice();
  await expect(stream.result).rejects.toMatchObject({ code: "query_cancelled" });
  await cancelTwice();
});

test("[CLIENT-24] a query that was over when it was to be cancelled can be watched at once", async () => {
  await using server = await startServer();
  using first = openLibraryClient(server.ws, { userId: "ada" });
  using second = openLibraryClient(server.ws, { userId: "ada" });
  const { query_id: queryId } = await first.sendQuery({ sparql: "ASK {}" });
  await second.connect();
  const [, result] = await Promise.all([second.cancelQuery(queryId), second.attachQuery(queryId)]);
  expect(result.results?.boolean).toBe(true);
});

test("[CLIENT-25] a search that a newer one overtakes rejects as superseded", async () => {
  await using server = await startServer();
  using client = openLibraryClient(server.ws);
  const slow = client.searchOntology("slow");
  const quick = client.searchOntology("city");
  await expect(slow).rejects.toMatchObject({ code: "superseded" });
  expect((await quick).suggestions[0]?.label).toBe("city");
  expect((await client.endpoints()).map(({ endpoint_id: id }) => id)).toEqual(["local"]);
});
