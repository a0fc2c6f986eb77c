import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPace, greatestAppetite, type Pace } from "./pace.js";
import type { Appetite } from "./watcher.js";

const never = new AbortController().signal;
let appetite: Appetite;
let pace: Pace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  appetite = "credit";
  pace = createPace({ appetite: () => appetite, maxCreditGapMs: 30_000, maxPausedMs: 120_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What `next` came to, once everything that can happen by now has happened. */
function observe(signal = never) {
  const seen: { outcome: unknown } = { outcome: "waiting" };
  pace.next(signal).then(
    (rows) => {
      seen.outcome = rows;
    },
    (error: unknown) => {
      seen.outcome = error;
    },
  );
  return seen;
}

async function become(changed: Appetite, afterMs: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(afterMs);
  appetite = changed;
  pace.wake();
  await vi.advanceTimersByTimeAsync(0);
}

test("the rows that somebody takes are told at once, or when somebody begins to take any", async () => {
  appetite = 5;
  expect(await pace.next(never)).toBe(5);
  appetite = "credit";
  const seen = observe();
  await become(7, 29_999);
  expect(seen.outcome).toBe(7);
});

test("[STREAM-7] without credit of anybody for 30 s at a stretch the query is given up", async () => {
  const seen = observe();
  await become("credit", 29_999);
  expect(seen.outcome).toBe("waiting");
  await become("credit", 1);
  expect(seen.outcome).toMatchObject({
    code: "query_timeout",
    message: expect.stringContaining("No credit came for 30 s"),
  });
});

test("[STREAM-7] a stretch ends when somebody has credit, also while the network is full", async () => {
  const seen = observe();
  await become("behind", 29_000);
  await become("credit", 3_600_000);
  await become("credit", 29_000);
  expect(seen.outcome).toBe("waiting");
  await become("credit", 1_000);
  expect(seen.outcome).toMatchObject({ code: "query_timeout" });
});

test("[STREAM-7] who is lost has no credit to grant: it counts in all, not at a stretch", async () => {
  const seen = observe();
  await become("away", 20_000);
  await become("away", 60_000);
  expect(seen.outcome).toBe("waiting");
  await become("away", 40_000);
  expect(seen.outcome).toMatchObject({
    code: "query_timeout",
    message: expect.stringContaining("120 s in all"),
  });
});

test("[STREAM-7] all pauses together are bounded too", async () => {
  for (let pause = 0; pause < 5; pause++) {
    appetite = "credit";
    const seen = observe();
    await become(1, 20_000);
    expect(seen.outcome).toBe(1);
  }
  appetite = "credit";
  const seen = observe();
  await become("credit", 20_000);
  expect(seen.outcome).toMatchObject({ code: "query_timeout", message: expect.stringContaining("in all") });
});

test("waiting ends with query_cancelled when the query is cancelled", async () => {
  const abort = new AbortController();
  const seen = observe(abort.signal);
  abort.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(seen.outcome).toMatchObject({ code: "query_cancelled" });
});

test.each<[Appetite[], Appetite]>([
  [[], "away"],
  [["away", "credit"], "credit"],
  [["credit", "behind", "away"], "behind"],
  [["behind", 3, 8, 5], 8],
  [["behind", Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY],
])("of %j the greatest appetite is %j", (appetites, greatest) => {
  expect(greatestAppetite(appetites)).toBe(greatest);
});
