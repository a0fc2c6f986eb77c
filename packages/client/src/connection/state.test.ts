import { expect, test } from "vitest";
import { type ConnectionEvent, type ConnectionState, transition } from "./state.js";

const close = { code: 1006, reason: "" };
const lost: ConnectionEvent = { type: "lost", close, attempt: 2, nextTryAtMs: 5 };
const STATES: readonly ConnectionState[] = [
  { kind: "idle" },
  { kind: "connecting", attempt: 1 },
  { kind: "open", attempt: 1, sinceMs: 3 },
  { kind: "reconnecting", attempt: 1, nextTryAtMs: 4, close },
  { kind: "draining", attempt: 1, sinceMs: 3, retryAfterMs: 100 },
  { kind: "closed", code: 1000, reason: "" },
];

function kindsAfter(event: ConnectionEvent): string[] {
  return STATES.map((state) => transition(state, event).kind);
}

test("[CLIENT-2] a connection goes from state to state, and events that mean nothing leave it as it is", () => {
  expect(kindsAfter({ type: "try" })).toEqual([
    "connecting",
    "connecting",
    "open",
    "connecting",
    "draining",
    "connecting",
  ]);
  expect(kindsAfter({ type: "ready", nowMs: 9 })).toEqual([
    "idle",
    "open",
    "open",
    "reconnecting",
    "draining",
    "closed",
  ]);
  expect(kindsAfter({ type: "draining", retryAfterMs: 1 })).toEqual([
    "idle",
    "connecting",
    "draining",
    "reconnecting",
    "draining",
    "closed",
  ]);
  expect(kindsAfter(lost)).toEqual([
    "idle",
    "reconnecting",
    "reconnecting",
    "reconnecting",
    "reconnecting",
    "closed",
  ]);
  expect(kindsAfter({ type: "ended", close })).toEqual(STATES.map(() => "closed"));
});

test("[CLIENT-2] a state that does not change is the same object", () => {
  const [idle, , open] = STATES;
  if (idle === undefined || open === undefined) throw new Error("they are there");
  expect(transition(idle, lost)).toBe(idle);
  expect(transition(open, { type: "scheduled", nextTryAtMs: null })).toBe(open);
});

test("[CLIENT-2] tries are counted from one state to the next, and anew by who connects again", () => {
  const reconnecting = transition({ kind: "open", attempt: 0, sinceMs: 1 }, lost);
  expect(reconnecting).toEqual({ kind: "reconnecting", attempt: 2, nextTryAtMs: 5, close });
  expect(transition(reconnecting, { type: "try" })).toEqual({ kind: "connecting", attempt: 2 });
  expect(transition({ kind: "closed", ...close }, { type: "try" })).toEqual({
    kind: "connecting",
    attempt: 0,
  });
});
