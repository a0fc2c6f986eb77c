import { expect, test } from "vitest";
import { createRuns } from "./runs.js";

test("[QUERY-5] an id is free again five minutes after the end of its run, not before", () => {
  let nowMs = 0;
  const runs = createRuns({ nowMs: () => nowMs });
  runs.begin("ada", "q").end();
  nowMs = 299_999;
  expect(() => runs.begin("ada", "q")).toThrow(expect.objectContaining({ code: "duplicate_query" }));
  nowMs = 300_000;
  runs.begin("ada", "q");
});

test("a run is found while it is in progress, by its owner alone", () => {
  const runs = createRuns();
  const run = runs.begin("ada", "__proto__");
  expect(runs.find("ada", "__proto__")).toBe(run);
  expect(runs.find("bob", "__proto__")).toBeUndefined();
  run.end();
  expect(runs.find("ada", "__proto__")).toBeUndefined();
});

test("the first reason to cancel stands", () => {
  const runs = createRuns();
  const run = runs.begin("ada", "q");
  run.cancel("requested");
  runs.cancelAll("shutdown");
  expect([run.cancelReason, run.signal.aborted]).toEqual(["requested", true]);
});

test("idle settles when the last run has ended", async () => {
  const runs = createRuns();
  const ends = [runs.begin("ada", "a"), runs.begin("bob", "b")];
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
