import { expect, test } from "vitest";
import { roomRecord } from "../testing/room-record.js";
import { mayDo, roleOf } from "./policy.js";

test.each(["__proto__", "constructor", "hasOwnProperty", "toString"])(
  "[ACCESS-1] who is called %s has the role that everybody has",
  (userId) => {
    const record = roomRecord({ isPublic: false, ownerId: "ada", defaultRole: "viewer" });
    expect(roleOf(record, userId)).toBe("viewer");
    for (const verb of ["see", "join", "readHistory", "delete"] as const) {
      expect([verb, mayDo(verb, record, { id: userId, role: "user" })]).toEqual([verb, false]);
    }
  },
);
