import { expect, test } from "vitest";
import { createCredit } from "./credit.js";

const never = new AbortController().signal;

test("credit is taken down to nothing and waits for more", async () => {
  const credit = createCredit({ rows: 5 });
  expect(await credit.take(3, never)).toBe(3);
  expect(await credit.take(3, never)).toBe(2);
  const waiting = credit.take(3, never);
  credit.grant(10);
  expect(await waiting).toBe(3);
});

test("[STREAM-7] without credit for too long at a stretch the query is given up", async () => {
  const credit = createCredit({ rows: 0, maxGapMs: 20 });
  await expect(credit.take(1, never)).rejects.toMatchObject({
    code: "query_timeout",
    message: expect.stringContaining("No credit came for 0.02 s"),
  });
});

test("[STREAM-7] all pauses together are bounded too", async () => {
  const credit = createCredit({ rows: 0, maxGapMs: 10_000, maxPausedMs: 60 });
  const timer = setInterval(() => credit.grant(1), 15);
  const takeAll = async () => {
    for (;;) await credit.take(1, never);
  };
  await expect(takeAll()).rejects.toMatchObject({
    code: "query_timeout",
    message: expect.stringContaining("in all"),
  });
  clearInterval(timer);
});

test("waiting ends with query_cancelled when the query is cancelled", async () => {
  const abort = new AbortController();
  const waiting = createCredit({ rows: 0 }).take(1, abort.signal);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: "query_cancelled" });
  await expect(createCredit({ rows: 0 }).take(1, abort.signal)).rejects.toMatchObject({
    code: "query_cancelled",
  });
});
