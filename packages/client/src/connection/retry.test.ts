import { FAILURES } from "@sparql-live/protocol";
import { expect, test } from "vitest";
import { isWorthARetry, readCloseReason, retryDelayMs } from "./retry.js";

test("[CLIENT-3] by default tries go on for ever, between 0.5 s and a bound that grows to 20 s", () => {
  const bounds = [1, 2, 3, 6, 7, 1_000].map((attempt) => [
    retryDelayMs({}, { attempt, random: 0 }),
    retryDelayMs({}, { attempt, random: 1 }),
  ]);
  expect(bounds).toEqual([
    [500, 1_000],
    [500, 2_000],
    [500, 4_000],
    [500, 20_000],
    [500, 20_000],
    [500, 20_000],
  ]);
});

test("[CLIENT-3] the options of older clients keep their meaning", () => {
  const policy = { reconnectInterval: 1_000, reconnectDecay: 2, reconnectAttempts: 4 };
  const delays = [1, 2, 3, 4, 5].map((attempt) => retryDelayMs(policy, { attempt, random: 0.7 }));
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, null]);
  expect(retryDelayMs({ reconnectInterval: 1_000 }, { attempt: 3, random: 0 })).toBe(2_250);
  expect(retryDelayMs({ reconnectInterval: 30_000 }, { attempt: 9, random: 0 })).toBe(30_000);
  expect(retryDelayMs({ reconnect: false }, { attempt: 1, random: 0 })).toBeNull();
});

test("[CLIENT-4] what the server asked for wins, is never shortened, and is spread by a quarter", () => {
  const hinted = (hintMs: number, random: number) => retryDelayMs({}, { attempt: 9, random, hintMs });
  expect([hinted(4_000, 0), hinted(4_000, 0.999)]).toEqual([4_000, 4_999]);
  expect(hinted(1e12, 0)).toBe(600_000);
  expect(hinted(-5, 0.5)).toBe(0);
  expect(retryDelayMs({ reconnectInterval: 10 }, { attempt: 1, random: 0, hintMs: 700 })).toBe(700);
});

test("[CLIENT-5] the protocol's table says after which closes to come back", () => {
  for (const { close, retry } of Object.values(FAILURES)) {
    if (close !== null) expect([close, isWorthARetry(close)]).toEqual([close, retry]);
  }
  expect([1001, 1005, 1006, 1011, 1012, 1013, 4008, 4408, 4429].map(isWorthARetry)).not.toContain(false);
  expect(
    [1000, 1002, 1003, 1007, 1008, 1009, 4400, 4401, 4403, 4404, 4409, 4500].map(isWorthARetry),
  ).not.toContain(true);
});

test("[CLIENT-4] the reason of a close is read, whatever stands in it", () => {
  expect(readCloseReason('{"code":"slow_consumer","retry_after_ms":1500}')).toEqual({
    code: "slow_consumer",
    hintMs: 1_500,
  });
  expect(readCloseReason('{"retry_after_ms":"soon"}')).toEqual({});
  expect(readCloseReason('{"code":"going_aw')).toEqual({});
  expect(readCloseReason("bye")).toEqual({ code: "bye" });
  expect(readCloseReason("")).toEqual({});
});
