import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHeartbeat } from "./heartbeat.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function startHeartbeat() {
  const told: string[] = [];
  const heartbeat = createHeartbeat({
    timeoutMs: 10_000,
    ping: () => told.push("ping"),
    onSilence: () => told.push("silence"),
  });
  heartbeat.start(30_000);
  return { heartbeat, told };
}

test("[CLIENT-8] it asks after an interval of silence, and gives up when nothing comes within the timeout", () => {
  const { told } = startHeartbeat();
  vi.advanceTimersByTime(29_999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["ping"]);
  vi.advanceTimersByTime(9_999);
  expect(told).toEqual(["ping"]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["ping", "silence"]);
});

test("[CLIENT-8] whatever comes is a sign of life", () => {
  const { heartbeat, told } = startHeartbeat();
  for (let count = 0; count < 10; count++) {
    vi.advanceTimersByTime(29_999);
    heartbeat.heard();
  }
  expect(told).toEqual([]);
  vi.advanceTimersByTime(39_999);
  heartbeat.heard();
  vi.advanceTimersByTime(29_999);
  expect(told).toEqual(["ping"]);
});

test("[CLIENT-8] a machine that slept asks once more before it gives up", () => {
  const { told } = startHeartbeat();
  vi.advanceTimersByTime(30_000);
  // The clock went on while no timer did.
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["ping", "ping"]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["ping", "ping", "silence"]);
});

test("[CLIENT-8] with reason to doubt it asks at once, and when stopped never", () => {
  const { heartbeat, told } = startHeartbeat();
  heartbeat.probe();
  heartbeat.probe();
  expect(told).toEqual(["ping"]);
  heartbeat.stop();
  heartbeat.heard();
  heartbeat.probe();
  vi.advanceTimersByTime(100_000);
  expect(told).toEqual(["ping"]);
});
