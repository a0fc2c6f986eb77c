import { expect, test } from "vitest";
import { closeReason, FAILURES, type FailureCode } from "./failures.js";

const CODES = Object.keys(FAILURES) as FailureCode[];

test.each(CODES)("the close reason for %s fits into a control frame, with its retry hint", (code) => {
  const reason = closeReason(code, 119_999.6);
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  expect(JSON.parse(reason)).toEqual({ code, retry_after_ms: 120_000 });
});

test.each(CODES)("%s closes with no code, or with one that an endpoint may send", (code) => {
  const { close } = FAILURES[code];
  if (close === null) return;
  // RFC 6455, section 7.4: 1005, 1006 and 1015 never stand in a frame; 4000 to 4999 are for private use.
  expect([1003, 1008, 1009, 1012, 1013].includes(close) || (close >= 4000 && close <= 4999)).toBe(true);
});
