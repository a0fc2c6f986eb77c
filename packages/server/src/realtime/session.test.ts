import { expect, test } from "vitest";
import { INITIAL_SESSION, type Session, type SessionEvent, transition } from "./session.js";

const after = (...events: readonly SessionEvent[]): Session => events.reduce(transition, INITIAL_SESSION);

test("a connection is connected once it was acknowledged, and counts bad messages in a row", () => {
  const acknowledged = { kind: "acknowledged" } as const;
  const refused = { kind: "message_refused" } as const;
  expect(after(acknowledged)).toEqual({ state: "connected", badMessageCount: 0 });
  expect(after(acknowledged, refused, refused)).toEqual({ state: "connected", badMessageCount: 2 });
  expect(after(acknowledged, refused, { kind: "message_taken" }, refused)).toEqual({
    state: "connected",
    badMessageCount: 1,
  });
});

test("the code with which we began to close stands, whatever the network ends with", () => {
  const closing = { kind: "closing", code: 4008 } as const;
  expect(after(closing, { kind: "closing", code: 1001 })).toEqual({ state: "disconnecting", code: 4008 });
  expect(after(closing, { kind: "closed", code: 1006 })).toEqual({ state: "disconnected", code: 4008 });
  expect(after({ kind: "closed", code: 1006 }, { kind: "acknowledged" })).toEqual({
    state: "disconnected",
    code: 1006,
  });
});
