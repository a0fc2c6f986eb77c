import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { MessageOf } from "../messages.js";
import { createGapFiller } from "./gap-filler.js";
import { createRoomLog } from "./room-log.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A log that stands at 3, and a server that is the test. */
function startFiller() {
  const log = createRoomLog();
  const asked: { readonly id: string; readonly since: number }[] = [];
  const told: string[] = [];
  const seen: number[] = [];
  const filler = createGapFiller({
    log,
    ask: (id, { seq: since }) => asked.push({ id, since }) > 0,
    onFilled: () => told.push("filled"),
    onGap: () => told.push("gap"),
  });
  log.enter({ epoch: "e", seq: 3 });
  const take = (seq: number) => {
    log.take({ epoch: "e", seq }, () => seen.push(seq));
    filler.moved();
  };
  const answer = (seq: number, recovered = true): boolean => {
    const { id, since } = asked.at(-1) ?? { id: "", since: 0 };
    const payload = { room_id: "lab", epoch: "e", since, seq, recovered, more: false };
    const framing = { message_id: "m", timestamp: 0, correlation_id: id };
    const message: MessageOf<"room_history"> = { type: "room_history", ...framing, payload };
    return filler.take(message);
  };
  return { log, filler, asked, told, seen, take, answer };
}

test("[CLIENT-12] missing entries are asked for page after page, until what was held has gone on", () => {
  const { filler, asked, told, seen, take, answer } = startFiller();
  take(9);
  filler.fill(9);
  expect(asked.map(({ since }) => since)).toEqual([3]);
  expect(answer(5)).toBe(true);
  take(4);
  take(5);
  expect(asked.map(({ since }) => since)).toEqual([3, 5]);
  answer(8);
  for (const seq of [6, 7]) take(seq);
  expect(told).toEqual([]);
  take(8);
  expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
  expect(told).toEqual(["filled"]);
  expect(filler.isBusy).toBe(false);
});

test("[CLIENT-12] answers that bring nothing are asked for again a bounded number of times, then the gap is told", () => {
  const { filler, asked, told, take, answer } = startFiller();
  take(9);
  filler.fill(9);
  for (let count = 1; count <= CLIENT_LIMITS.fruitlessQuestionsCount; count++) {
    answer(3);
    vi.advanceTimersByTime(CLIENT_LIMITS.refusedRetryMs);
    expect([asked.length, told]).toEqual([count + 1, []]);
  }
  answer(3);
  expect(told).toEqual(["gap"]);
  vi.advanceTimersByTime(1_000_000);
  expect(asked).toHaveLength(CLIENT_LIMITS.fruitlessQuestionsCount + 1);
});

test("[CLIENT-12] a question that is refused for the moment, or not answered, is asked again; another refusal is a gap", () => {
  const { filler, asked, told, take } = startFiller();
  take(9);
  filler.fill(9);
  const refuse = (code: "rate_limited" | "room_not_found") =>
    filler.refused(asked.at(-1)?.id ?? "", new SparqlLiveError(code, "", { retryAfterMs: 5_000 }));
  expect(refuse("rate_limited")).toBe(true);
  vi.advanceTimersByTime(5_000);
  expect(asked).toHaveLength(2);
  vi.advanceTimersByTime(CLIENT_LIMITS.requestTimeoutMs);
  expect(asked).toHaveLength(3);
  expect(filler.refused("another", new SparqlLiveError("room_not_found", ""))).toBe(false);
  refuse("room_not_found");
  expect(told).toEqual(["gap"]);
});

test("[CLIENT-12] where the server cannot recover, what it tells of the room decides", () => {
  const { filler, told, take, answer } = startFiller();
  take(9);
  filler.fill(9);
  answer(3, false);
  expect([filler.isBusy, told]).toEqual([false, []]);
});
