import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import type { ExecutionEvent } from "../../executor.js";
import { createEmbeddedExecutor, type EmbeddedExecutor } from "./executor.js";
import type { PoolStats } from "./pool.js";
import { temporaryFolder } from "./testing/folders.js";
import {
  collect,
  ENDLESS,
  failureOf,
  limits,
  numbered,
  rowsOf,
  select,
  startExecutor,
} from "./testing/queries.js";

const ALL = select("SELECT ?s ?v { ?s <http://e/p> ?v }", true);

/** The threads that are started within its scope. */
function watchThreads(): { readonly threads: Worker[] } & Disposable {
  const threads: Worker[] = [];
  const see = (worker: Worker) => threads.push(worker);
  process.on("worker", see);
  return { threads, [Symbol.dispose]: () => process.off("worker", see) };
}

/** Pulls until the work began, and asks for one more. */
async function begin(
  events: AsyncGenerator<ExecutionEvent>,
): Promise<Promise<IteratorResult<ExecutionEvent>>[]> {
  for (let next = await events.next(); next.value?.kind !== "started"; next = await events.next());
  return [events.next()];
}

async function until(executor: EmbeddedExecutor, holds: (stats: PoolStats) => boolean): Promise<void> {
  const deadlineAt = performance.now() + 20_000;
  while (!holds(executor.stats())) {
    if (performance.now() > deadlineAt)
      throw new Error(`Not within 20 s: ${JSON.stringify(executor.stats())}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("stopping", () => {
  test("an abort in the middle of a query throws at once, and the spare answers the next one", async () => {
    await using executor = await startExecutor(numbered(2_000), { spares: 1 });
    await until(executor, ({ idle }) => idle === 2);
    const control = new AbortController();
    const [pending] = await begin(executor.execute(ENDLESS, limits({ signal: control.signal })));
    const abortedAt = performance.now();
    control.abort();
    expect(await failureOf(pending as Promise<unknown>)).toMatchObject({ code: "query_cancelled" });
    const next = await collect(executor.execute(ALL, limits()));
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(rowsOf(next)).toHaveLength(2_000);
    await until(executor, ({ idle, draining }) => idle === 2 && draining === 0);
  });

  test("a query that takes too long fails with query_timeout; its worker is replaced", async () => {
    await using executor = await startExecutor(numbered(2_000));
    const failure = await failureOf(collect(executor.execute(ENDLESS, limits({ timeoutMs: 50 }))));
    expect(failure).toMatchObject({ code: "query_timeout" });
    expect(rowsOf(await collect(executor.execute(ALL, limits())))).toHaveLength(2_000);
  });

  test("time in which nobody pulls does not count", async () => {
    await using executor = await startExecutor(numbered(3_000));
    const events = executor.execute(ALL, limits({ timeoutMs: 2_000 }));
    for (let next = await events.next(); next.value?.kind !== "rows"; next = await events.next());
    const pausedAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(performance.now() - pausedAt).toBeGreaterThan(2_000);
    const rest = await collect(events);
    expect(rest.at(-1)).toEqual({ kind: "end", completeness: { status: "complete" } });
  });

  test("leaving early or aborting between two pulls frees the worker without ending its thread", async () => {
    using watch = watchThreads();
    await using executor = await startExecutor(numbered(3_000));
    for await (const event of executor.execute(ALL, limits())) if (event.kind === "rows") break;
    expect(executor.stats()).toMatchObject({ idle: 1, busy: 0 });

    const control = new AbortController();
    const events = executor.execute(ALL, limits({ signal: control.signal }));
    for (let next = await events.next(); next.value?.kind !== "rows"; next = await events.next());
    control.abort();
    expect(executor.stats()).toMatchObject({ idle: 1, busy: 0 });
    expect(await failureOf(events.next())).toMatchObject({ code: "query_cancelled" });

    expect(rowsOf(await collect(executor.execute(ALL, limits())))).toHaveLength(3_000);
    expect(watch.threads).toHaveLength(1);
  });

  test("return() does not wait for the step under way", async () => {
    await using executor = await startExecutor(numbered(2_000));
    const events = executor.execute(ENDLESS, limits());
    const [pending] = await begin(events);
    const stopped = failureOf(pending as Promise<unknown>);
    const startedAt = performance.now();
    expect(await events.return()).toEqual({ done: true, value: undefined });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await stopped).toMatchObject({ code: "query_cancelled" });
  });

  test("a signal that is aborted already takes no worker", async () => {
    await using executor = await startExecutor(numbered(1));
    const events = executor.execute(ALL, limits({ signal: AbortSignal.abort() }));
    expect(await failureOf(events.next())).toMatchObject({ code: "query_cancelled" });
    expect(executor.stats()).toMatchObject({ busy: 0, steps: 0 });
  });
});

test("nothing is computed while nobody pulls", async () => {
  await using executor = await startExecutor(numbered(5_000));
  const events = executor.execute(ALL, limits());
  for (let next = await events.next(); next.value?.kind !== "rows"; next = await events.next());
  expect(executor.stats()).toMatchObject({ steps: 1, busy: 1 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(executor.stats()).toMatchObject({ steps: 1, busy: 1 });
  await events.next();
  expect(executor.stats().steps).toBe(2);
  await events.return();
});

describe("waiting", () => {
  test("waiting queries are told their position whenever it changes; beyond the bound they are refused", async () => {
    await using executor = await startExecutor(numbered(100), { maxQueued: 3 });
    const held = executor.execute(ALL, limits());
    await held.next();
    const waiting = [1, 2, 3].map(() => executor.execute(ALL, limits()));
    const first = await Promise.all(waiting.map((events) => events.next()));
    expect(first.map(({ value }) => value)).toEqual(
      [1, 2, 3].map((position) => ({ kind: "queued", position })),
    );
    expect(executor.stats()).toMatchObject({ queued: 3, busy: 1 });
    expect(await failureOf(executor.execute(ALL, limits()).next())).toMatchObject({
      code: "too_many_queries",
    });

    const [one, two, three] = waiting as [typeof held, typeof held, typeof held];
    const moved = [two.next(), three.next()];
    await one.return();
    expect((await Promise.all(moved)).map(({ value }) => value)).toEqual([
      { kind: "queued", position: 1 },
      { kind: "queued", position: 2 },
    ]);
    await held.return();
    expect(rowsOf(await collect(two))).toHaveLength(100);
    expect(rowsOf(await collect(three))).toHaveLength(100);
    expect(executor.stats()).toMatchObject({ queued: 0, busy: 0, idle: 1 });
  });

  test("a spare is not lent beyond the number of queries at a time", async () => {
    await using executor = await startExecutor(numbered(100), { workers: 1, spares: 1 });
    await until(executor, ({ idle }) => idle === 2);
    const held = executor.execute(ALL, limits());
    await held.next();
    const second = executor.execute(ALL, limits());
    expect((await second.next()).value).toEqual({ kind: "queued", position: 1 });
    await held.return();
    expect(rowsOf(await collect(second))).toHaveLength(100);
  });

  test("an abort leaves the line", async () => {
    await using executor = await startExecutor(numbered(100));
    const held = executor.execute(ALL, limits());
    await held.next();
    const control = new AbortController();
    const second = executor.execute(ALL, limits({ signal: control.signal }));
    await second.next();
    control.abort();
    expect(executor.stats().queued).toBe(0);
    expect(await failureOf(second.next())).toMatchObject({ code: "query_cancelled" });
    await held.return();
  });

  test("a query that comes while the data are loaded waits for them, not longer than it may", async () => {
    const sources = [{ name: "n", text: numbered(50_000), format: "application/n-triples" }] as const;
    const seen: number[] = [];
    const onProgress = ({ bytesRead }: { bytesRead: number }) => seen.push(bytesRead);
    const executor = createEmbeddedExecutor({ sources, workers: 1, spares: 0, onProgress });
    const rows = collect(executor.execute(ALL, limits({ maxRows: 50_000 })));
    expect(executor.stats()).toMatchObject({ state: "loading", triples: null, queued: 1 });
    expect(rowsOf(await rows)).toHaveLength(50_000);
    expect(executor.stats()).toMatchObject({ state: "ready", triples: 50_000, progress: null });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(0);
    await executor.close();

    const impatient = createEmbeddedExecutor({ sources, workers: 1, spares: 0, maxLoadingWaitMs: 1 });
    const failure = await failureOf(collect(impatient.execute(ALL, limits())));
    expect(failure).toMatchObject({ code: "endpoint_unavailable", retryAfterMs: 5_000 });
    await impatient.close();
  });
});

describe("crashes", () => {
  test("a thread that ends fails its own query only, within a second, and is replaced", async () => {
    using watch = watchThreads();
    await using executor = await startExecutor(numbered(2_000), { workers: 2 });
    await until(executor, ({ idle }) => idle === 2);
    const calm = executor.execute(ALL, limits());
    const [calmRows] = await begin(calm);
    const [pending] = await begin(executor.execute(ENDLESS, limits()));
    const failed = failureOf(pending as Promise<unknown>);
    await calmRows;
    const crashedAt = performance.now();
    // The thread that was lent second: idle threads are lent last in, first out.
    await watch.threads[0]?.terminate();
    expect(await failed).toMatchObject({ code: "worker_crashed" });
    expect(performance.now() - crashedAt).toBeLessThan(1_000);
    expect(rowsOf(await collect(calm)).length).toBeGreaterThan(0);
    await until(executor, ({ idle }) => idle === 2);
    expect(watch.threads).toHaveLength(3);
  });

  test("running out of memory is a crash of that query, not of the process", async () => {
    await using executor = await startExecutor(numbered(150_000), { maxOldGenerationSizeMb: 24 });
    const wide = select(
      'SELECT ?s (CONCAT(STR(?s), "é, and some more text to fill the memory") AS ?t) { ?s ?p ?v }',
    );
    const failure = await failureOf(collect(executor.execute(wide, limits({ maxRows: 200_000 }))));
    expect(failure).toMatchObject({ code: "worker_crashed" });
    expect(rowsOf(await collect(executor.execute(ALL, limits({ maxRows: 10 }))))).toHaveLength(10);
  });

  test("a fault inside the store's own code ends the worker, and the next query has a new one", async () => {
    using watch = watchThreads();
    await using executor = await startExecutor(numbered(10));
    const deep = select(`SELECT * { ${"{".repeat(100_000)} ${"}".repeat(100_000)} }`);
    const failure = await failureOf(collect(executor.execute(deep, limits())));
    expect(failure).toMatchObject({ code: "worker_crashed" });
    expect(rowsOf(await collect(executor.execute(ALL, limits())))).toHaveLength(10);
    expect(watch.threads).toHaveLength(2);
  });

  test("when no worker can load its data again, queries fail with the reason", async () => {
    using watch = watchThreads();
    await using folder = await temporaryFolder();
    const path = join(folder.path, "a.nt");
    await writeFile(path, numbered(10));
    const executor = createEmbeddedExecutor({ sources: [{ path }], workers: 1, spares: 0, reloadDelayMs: 1 });
    await executor.ready;
    await rm(path);
    await watch.threads[0]?.terminate();
    const failure = await failureOf(collect(executor.execute(ALL, limits())));
    expect(failure).toMatchObject({ code: "data_unreadable", detail: path });
    expect(executor.stats().state).toBe("failed");
    expect(watch.threads).toHaveLength(9);
    await executor.close();
  });
});

describe("closing", () => {
  test("ends running, waiting and later queries with endpoint_unavailable, and every thread, within a second", async () => {
    using watch = watchThreads();
    const sources = [{ name: "n", text: numbered(2_000), format: "application/n-triples" }] as const;
    const executor = createEmbeddedExecutor({ sources, workers: 1, spares: 1 });
    await until(executor, ({ idle }) => idle === 2);
    const [pending] = await begin(executor.execute(ENDLESS, limits()));
    const running = failureOf(pending as Promise<unknown>);
    const waiting = failureOf(collect(executor.execute(ALL, limits())));
    await until(executor, ({ queued }) => queued === 1);
    const exits = watch.threads.map((thread) => once(thread, "exit"));
    const closedAt = performance.now();
    await executor.close();
    expect(performance.now() - closedAt).toBeLessThan(1_000);
    expect(await running).toMatchObject({ code: "endpoint_unavailable" });
    expect(await waiting).toMatchObject({ code: "endpoint_unavailable" });
    expect(await failureOf(executor.execute(ALL, limits()).next())).toMatchObject({
      code: "endpoint_unavailable",
    });
    expect(await Promise.all(exits)).toHaveLength(2);
    expect(executor.stats()).toMatchObject({ state: "closed", idle: 0, busy: 0, loading: 0, draining: 0 });
    await executor.close();
  });

  test("while loading ends the loading", async () => {
    using watch = watchThreads();
    const sources = [{ name: "n", text: numbered(100_000), format: "application/n-triples" }] as const;
    const executor = createEmbeddedExecutor({ sources });
    await executor.close();
    expect(await failureOf(executor.ready)).toMatchObject({ code: "endpoint_unavailable" });
    expect(watch.threads.map(({ threadId }) => threadId)).toEqual(watch.threads.map(() => -1));
  });
});
