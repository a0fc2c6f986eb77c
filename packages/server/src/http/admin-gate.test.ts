import { pino } from "pino";
import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import { createAdminGate } from "./admin-gate.js";

test("[ADMIN-2] addresses that showed wrong keys are remembered up to a bound; the first goes first", async () => {
  const { adminFailuresCount, adminFailureAddressesCount } = SERVER_LIMITS;
  const gate = createAdminGate({
    isAdminKey: () => false,
    identityOfToken: async () => null,
    log: pino({ level: "silent" }),
  });
  const kindAt = async (address: string) => (await gate.admit("wrong", address)).kind;
  for (const address of ["first", "second"]) {
    for (let count = 0; count < adminFailuresCount; count++) expect(await kindAt(address)).toBe("refused");
    expect(await kindAt(address)).toBe("blocked");
  }
  for (let count = 2; count < adminFailureAddressesCount; count++) gate.countFailure(`other${count}`);
  expect(gate.tryKey("wrong", "first")).toMatchObject({ kind: "blocked" });
  gate.countFailure("one too many");
  expect(gate.tryKey("wrong", "first")).toBe("other");
  expect(gate.tryKey("wrong", "second")).toMatchObject({ kind: "blocked" });
});
