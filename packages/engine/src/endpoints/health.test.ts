import { expect, test } from "vitest";
import type { EndpointHealth } from "../endpoint.js";
import { EngineFailure } from "../failure.js";
import { createHealthMonitor, nextHealth, UNKNOWN_HEALTH } from "./health.js";

const AT = new Date("2026-01-01T00:00:00Z");
const answered = { kind: "answered", latencyMs: 12.34 } as const;
const failed = { kind: "failed", message: "refused" } as const;

function after(...outcomes: Parameters<typeof nextHealth>[1][]): EndpointHealth {
  return outcomes.reduce((health, outcome) => nextHealth(health, outcome, AT), UNKNOWN_HEALTH);
}

test("an endpoint that answers is healthy, with its latency", () => {
  expect(after(answered)).toEqual({
    state: "healthy",
    latencyMs: 12.3,
    checkedAt: "2026-01-01T00:00:00.000Z",
    consecutiveFailures: 0,
  });
});

test("an endpoint that never answered is unreachable at its first failure", () => {
  expect(after(failed).state).toBe("unreachable");
});

test("a healthy endpoint is degraded by one failure and unreachable after two", () => {
  expect(after(answered, failed).state).toBe("degraded");
  expect(after(answered, failed, failed).state).toBe("unreachable");
});

test("one answer makes an unreachable endpoint healthy again", () => {
  expect(after(failed, failed, answered)).toMatchObject({ state: "healthy", consecutiveFailures: 0 });
});

test("an answer that takes more than five seconds is degraded, one of five is not", () => {
  expect(after({ kind: "answered", latencyMs: 5_001 }).state).toBe("degraded");
  expect(after({ kind: "answered", latencyMs: 5_000 }).state).toBe("healthy");
});

test("changes of state are told once each, repeated outcomes are not", async () => {
  const told: string[] = [];
  let fails = false;
  const monitor = createHealthMonitor({
    probe: async () => {
      if (fails) throw new EngineFailure("endpoint_unavailable", "refused");
    },
    intervalMs: 60_000,
    onChange: (health) => told.push(health.state),
  });
  await monitor.check();
  await monitor.check();
  fails = true;
  await monitor.check();
  await monitor.check();
  await monitor.check();
  monitor.close();
  expect(told).toEqual(["healthy", "degraded", "unreachable"]);
});

test("probing goes on by itself until it is closed", async () => {
  let count = 0;
  const threeProbes = deferred();
  const monitor = createHealthMonitor({
    probe: async () => {
      count += 1;
      if (count === 3) threeProbes.resolve();
    },
    intervalMs: 5,
    onChange: () => {},
  });
  monitor.start();
  // The monitor does not keep a process alive by itself; this timer does for the test.
  const alive = setInterval(() => {}, 1_000);
  await threeProbes.promise;
  clearInterval(alive);
  monitor.close();
  const atClose = count;
  await monitor.check();
  expect(count).toBeLessThanOrEqual(atClose + 1);
});

function deferred() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
