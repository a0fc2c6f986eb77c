import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";

type GateRefusal = "going_away" | "overloaded";

/** Whether new work is taken: connections and queries. What is under way goes on. */
export interface Gate {
  /** Why not; `null`: it is taken. */
  readonly refusal: GateRefusal | null;
  /** Throws the refusal of a query, with when to try again. */
  admitQuery(): void;
  /** For good: the server shuts down. */
  shut(): void;
}

/** `pressure`: what tells whether there is room for more. */
export function createGate(pressure: { readonly isOverloaded: boolean }, onRefused: () => void): Gate {
  let isShut = false;
  const gate: Gate = {
    get refusal() {
      if (isShut) return "going_away";
      return pressure.isOverloaded ? "overloaded" : null;
    },
    admitQuery() {
      const { refusal } = gate;
      if (refusal === null) return;
      onRefused();
      throw new ProtocolFailure(refusal, GATE_WORDS[refusal], [], { retryAfterMs: retryAfterMsOf(refusal) });
    },
    shut() {
      isShut = true;
    },
  };
  return gate;
}

export const GATE_WORDS: Readonly<Record<GateRefusal, string>> = {
  going_away: "The server is shutting down; come back later.",
  overloaded: "The server has more to do than it can; come back later.",
};

export function retryAfterMsOf(refusal: GateRefusal): number {
  return refusal === "going_away" ? SERVER_LIMITS.drainRetryAfterMs : SERVER_LIMITS.overloadRetryAfterMs;
}
