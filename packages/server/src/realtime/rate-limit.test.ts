import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { openAs, openMember } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";
import { RateBuckets } from "./rate-limit.js";

const LIMITS = { ratePerMinute: 60 };

test("[RATE-1] so many as the limit may come at once, and the next when a token has come", () => {
  const buckets = new RateBuckets(LIMITS, 0);
  for (let index = 0; index < 60; index++) expect(buckets.take("request", LIMITS, 0)).toBe(0);
  expect(buckets.take("request", LIMITS, 0)).toBe(1_000);
  expect(buckets.take("request", LIMITS, 999)).toBeCloseTo(1, 6);
  expect(buckets.take("request", LIMITS, 1_000)).toBe(0);
  expect(buckets.take("request", LIMITS, 1_000)).toBe(1_000);
  for (let index = 0; index < 60; index++) expect(buckets.take("request", LIMITS, 10_000_000)).toBe(0);
  expect(buckets.take("request", LIMITS, 10_000_000)).toBeGreaterThan(0);
});

test("[RATE-1] a clock that goes back takes nothing away", () => {
  const buckets = new RateBuckets(LIMITS, 1_000);
  expect(buckets.take("request", LIMITS, 0)).toBe(0);
});

test("[RATE-1] a limit of 0 is none", () => {
  const none = { ratePerMinute: 0 };
  const buckets = new RateBuckets(none, 0);
  for (let index = 0; index < 1_000; index++) {
    expect(buckets.take("request", none, 0)).toBe(0);
    expect(buckets.take("edit", none, 0)).toBe(0);
  }
});

test("[RATE-1] what is over the limit is refused with the time to wait, and counted", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 5 } });
  await using ada = await openAs(server, "ada");
  for (let index = 0; index < 5; index++) ada.send("endpoint_status", {}, { message_id: `${index}` });
  for (let index = 0; index < 5; index++) await ada.next("endpoint_status");
  ada.send("endpoint_status", {}, { message_id: "over" });
  const refused = await ada.next("error_message");
  expect(refused).toMatchObject({
    correlation_id: "over",
    payload: { error: "Rate limit exceeded", code: "rate_limited" },
  });
  expect(refused.payload.retry_after).toBeGreaterThan(0);
  expect(refused.payload.retry_after).toBeLessThanOrEqual(12);
  expect(server.server.live.counters.rateLimitViolations).toBe(1);
  // [QUERY-4] A query that did not begin is named all the same.
  ada.send("query_request", { sparql: "ASK {}" }, { message_id: "q" });
  expect((await ada.next("error_message", "q")).payload.code).toBe("rate_limited");
  await using other = await openAs(server, "ada");
  other.send("endpoint_status");
  await other.next("endpoint_status");
});

test("[RATE-2] editing has a bucket of its own, and leaves that of requests as it is", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 2 } });
  const { client: ada } = await openMember(server, "ada", "lab");
  for (let index = 0; index < SERVER_LIMITS.editBurstCount; index++) {
    ada.send("cursor_position", { room_id: "lab", position: index });
  }
  ada.send("endpoint_status");
  await ada.next("endpoint_status");
  expect(ada.log.some(({ type }) => type === "error_message")).toBe(false);
  for (let index = 0; index < 100; index++) ada.send("cursor_position", { room_id: "lab", position: index });
  expect((await ada.next("error_message")).payload.code).toBe("rate_limited");
});

test("[RATE-3] what ends, acknowledges or recovers is never refused", async () => {
  await using server = await startServer({ settings: { rateLimitPerMinute: 1 } });
  const { client: ada } = await openMember(server, "ada", "lab");
  ada.send("endpoint_status");
  await ada.next("endpoint_status");
  for (let index = 0; index < 200; index++) ada.send("ack", { message_id: "m" });
  for (let index = 0; index < 5; index++) {
    ada.send("resume", { resume_token: "none" });
    await ada.next("resumed");
  }
  ada.send("query_cancel", { query_id: "q" });
  expect((await ada.next("error_message")).payload.code).toBe("query_not_found");
  ada.send("leave_room", { room_id: "lab" });
  await ada.next("leave_room");
});
