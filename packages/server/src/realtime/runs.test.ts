import { expect, test } from "vitest";
import { createRuns } from "./runs.js";

test("[QUERY-5] an id is free again five minutes after the end of its run, not before", () => {
  let nowMs = 0;
  const runs = createRuns({ nowMs: () => nowMs });
  runs.begin("user:ada", "q").end();
  nowMs = 299_999;
  expect(() => runs.begin("user:ada", "q")).toThrow(expect.objectContaining({ code: "duplicate_query" }));
  nowMs = 300_000;
  runs.begin("user:ada", "q");
});

test("[QUERY-5] an id that is in progress is taken in its scope alone", () => {
  const runs = createRuns();
  runs.begin("user:ada", "__proto__");
  expect(() => runs.begin("user:ada", "__proto__")).toThrow(
    expect.objectContaining({ code: "duplicate_query" }),
  );
  for (const scope of ["user:bob", "room:ada", "http:ada"] as const) runs.begin(scope, "__proto__");
});

test("that a run has ended is known for an hour, and no longer", () => {
  let nowMs = 0;
  const runs = createRuns({ nowMs: () => nowMs });
  const run = runs.begin("user:ada", "q");
  expect(runs.hasEnded("user:ada", "q")).toBe(false);
  run.end();
  nowMs = 3_599_999;
  runs.begin("user:ada", "other");
  expect(runs.hasEnded("user:ada", "q")).toBe(true);
  nowMs = 3_600_000;
  runs.begin("user:ada", "another");
  expect(runs.hasEnded("user:ada", "q")).toBe(false);
});

test("the first reason to cancel stands", () => {
  const runs = createRuns();
  const run = runs.begin("user:ada", "q");
  run.cancel("requested");
  runs.cancelAll("shutdown");
  expect([run.cancelReason, run.signal.aborted]).toEqual(["requested", true]);
});

test("what is over cannot be cancelled", () => {
  const run = createRuns().begin("user:ada", "q");
  run.end();
  run.cancel("requested");
  expect([run.cancelReason, run.signal.aborted]).toEqual([null, false]);
});

test("idle settles when the last run has ended", async () => {
  const runs = createRuns();
  const ends = [runs.begin("user:ada", "a"), runs.begin("user:bob", "b")];
  let idle = false;
  const waiting = runs.idle().then(() => {
    idle = true;
  });
  ends[0]?.end();
  await Promise.resolve();
  expect(idle).toBe(false);
  ends[1]?.end();
  await waiting;
  expect(runs.activeCount).toBe(0);
});
