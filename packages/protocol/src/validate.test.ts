import { expect, test } from "vitest";
import { WIRE_LIMITS } from "./limits.js";
import { CLIENT_PAYLOADS } from "./schemas/index.js";
import { parseClientMessage } from "./validate.js";

function violationsOf(message: unknown): readonly { readonly path: string }[] {
  try {
    parseClientMessage(message);
  } catch (error) {
    return (error as { violations: readonly { path: string }[] }).violations;
  }
  return [];
}

test("only `type` is required of what a client sends", () => {
  expect(parseClientMessage({ type: "ping" })).toEqual({ type: "ping", payload: {} });
});

test("members that are null count as absent, in the envelope and in the payload", () => {
  const message = {
    type: "query_request",
    message_id: "m",
    correlation_id: null,
    payload: { natural_language: "x", endpoint_id: null },
  };
  expect(parseClientMessage(message)).toEqual({
    type: "query_request",
    message_id: "m",
    payload: { natural_language: "x" },
  });
});

test("members that are not known are kept and disturb nothing", () => {
  const message = { type: "ping", payload: { since: 1 }, extra: true };
  expect(parseClientMessage(message)).toEqual(message);
});

test.each([[null], [1], ["ping"], [[]], [{}], [{ type: 1 }]])("%j is a bad message", (value) => {
  expect(() => parseClientMessage(value)).toThrow(expect.objectContaining({ code: "bad_message" }));
});

test.each(["nonsense", "toString", "__proto__", "connection_ack"])("the type %s is unknown", (type) => {
  expect(() => parseClientMessage({ type })).toThrow(expect.objectContaining({ code: "unknown_type" }));
});

test("an invalid message says at which places it does not fit", () => {
  const payload = {
    natural_language: 1,
    limit: 0,
    timeout: WIRE_LIMITS.maxTimeoutSeconds + 1,
    stream: "yes",
  };
  expect(violationsOf({ type: "query_request", payload }).map(({ path }) => path)).toEqual([
    "/payload/natural_language",
    "/payload/limit",
    "/payload/timeout",
    "/payload/stream",
  ]);
});

test("of a message with thousands of misfits a few are told", () => {
  const payload = Object.fromEntries(Object.keys(CLIENT_PAYLOADS).map((key) => [key, 1]));
  const errors = violationsOf({
    type: "query_request",
    payload: { ...payload, credit: "x" },
    message_id: "",
  });
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.length).toBeLessThanOrEqual(8);
});

test.each([
  ["natural_language", WIRE_LIMITS.maxQuestionCharacters],
  ["sparql", WIRE_LIMITS.maxQueryCharacters],
])("%s may be as long as its limit, and not longer", (member, limit) => {
  const message = (length: number) => ({ type: "query_request", payload: { [member]: "x".repeat(length) } });
  expect(violationsOf(message(limit))).toEqual([]);
  expect(violationsOf(message(limit + 1))).toMatchObject([{ path: `/payload/${member}` }]);
});

test.each([
  ["the timeout", { timeout: WIRE_LIMITS.maxTimeoutSeconds }, { timeout: 0 }],
  ["the credit", { credit: WIRE_LIMITS.maxCreditRows }, { credit: WIRE_LIMITS.maxCreditRows + 1 }],
  ["the row limit", { limit: 1 }, { limit: 1.5 }],
])("%s is taken at its limit and refused beyond", (_name, within, beyond) => {
  expect(violationsOf({ type: "query_request", payload: within })).toEqual([]);
  expect(violationsOf({ type: "query_request", payload: beyond })).toHaveLength(1);
});
