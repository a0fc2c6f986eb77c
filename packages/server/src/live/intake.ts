import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";

type IntakeRefusal = "going_away" | "overloaded";

/** Whether new work is taken: connections and queries. What is under way goes on. */
export interface Intake {
  /** Why not; `null`: it is taken. */
  readonly refusal: IntakeRefusal | null;
  /** Throws the refusal of a query, with when to try again. */
  admitQuery(): void;
  /** For good: the server shuts down. */
  shut(): void;
}

/** `pressure`: what tells whether there is room for more. */
export function createIntake(pressure: { readonly isOverloaded: boolean }, onRefused: () => void): Intake {
  let isShut = false;
  const intake: Intake = {
    get refusal() {
      if (isShut) return "going_away";
      return pressure.isOverloaded ? "overloaded" : null;
    },
    admitQuery() {
      const { refusal } = intake;
      if (refusal === null) return;
      onRefused();
      throw new ProtocolFailure(refusal, INTAKE_WORDS[refusal], [], {
        retryAfterMs: retryAfterMsOf(refusal),
      });
    },
    shut() {
      isShut = true;
    },
  };
  return intake;
}

export const INTAKE_WORDS: Readonly<Record<IntakeRefusal, string>> = {
  going_away: "The server is shutting down; come back later.",
  overloaded: "The server has more to do than it can; come back later.",
};

export function retryAfterMsOf(refusal: IntakeRefusal): number {
  return refusal === "going_away" ? SERVER_LIMITS.drainRetryAfterMs : SERVER_LIMITS.overloadRetryAfterMs;
}
