import { expect, test } from "vitest";
import { createTurns } from "./turns.js";

const never = new AbortController().signal;
const ignore = () => undefined;

test("turns are taken in order and places in line move up", async () => {
  const turns = createTurns({ parallelCount: 1 });
  const release = await turns.take("ada", never, ignore);
  const places: string[] = [];
  const second = turns.take("ada", never, (position) => places.push(`second ${position}`));
  const third = turns.take("ada", never, (position) => places.push(`third ${position}`));
  release();
  release();
  (await second)();
  await third;
  expect(places).toEqual(["second 1", "third 2", "third 1"]);
});

test("one who gives up leaves the line and the others move up", async () => {
  const turns = createTurns({ parallelCount: 1 });
  await turns.take("ada", never, ignore);
  const abort = new AbortController();
  const second = turns.take("ada", abort.signal, ignore);
  const places: number[] = [];
  void turns.take("ada", never, (position) => places.push(position));
  abort.abort();
  await expect(second).rejects.toMatchObject({ code: "query_cancelled" });
  expect(places).toEqual([2, 1]);
});

test("[LIMIT-4] exactly the bound may wait; the next is refused with too_many_queries and when to return", async () => {
  const turns = createTurns({ parallelCount: 1, waitingCount: 2 });
  await turns.take("ada", never, ignore);
  void turns.take("ada", never, ignore);
  void turns.take("ada", never, ignore);
  await expect(turns.take("ada", never, ignore)).rejects.toMatchObject({
    code: "too_many_queries",
    retryAfterMs: 1_000,
  });
  await turns.take("bob", never, ignore);
});
