import { expect, test } from "vitest";
import { SERVER_LIMITS } from "../limits.js";
import type { Identity } from "./authenticator.js";
import { createTickets } from "./tickets.js";

const identityOf = (userId: string): Identity => ({
  userId,
  userName: userId,
  role: "user",
  expiresAtMs: null,
  issuedAtMs: null,
  tokenId: null,
  sessionId: null,
});

test("[AUTH-6] exactly so many tickets wait to be used, whoever they are of, and each that is used makes room", () => {
  const tickets = createTickets({ check: () => undefined }, 30_000);
  const { ticketsCount, ticketsPerUserCount } = SERVER_LIMITS;
  const issued: string[] = [];
  while (issued.length < ticketsCount) {
    issued.push(tickets.issue(identityOf(`user${Math.floor(issued.length / ticketsPerUserCount)}`)));
  }
  const issueOneMore = () => tickets.issue(identityOf("latecomer"));
  expect(issueOneMore).toThrow(expect.objectContaining({ code: "rate_limited" }));
  expect(tickets.redeem(issued[0] ?? "").userId).toBe("user0");
  expect(tickets.redeem(issueOneMore()).userId).toBe("latecomer");
});
