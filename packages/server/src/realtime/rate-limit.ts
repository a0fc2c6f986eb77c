import { SERVER_LIMITS } from "../limits.js";

/** `exempt` is never refused: what ends, acknowledges or recovers work. */
export type RateClass = "request" | "edit" | "exempt";

const CLASSES: ReadonlyMap<string, RateClass> = new Map([
  ["resume", "exempt"],
  ["query_attach", "exempt"],
  ["query_cancel", "exempt"],
  ["query_credit", "exempt"],
  ["ack", "exempt"],
  ["leave_room", "exempt"],
  // Of these many come while somebody edits; they must not use up what a query needs.
  ["cursor_position", "edit"],
  ["typing_indicator", "edit"],
  ["document_update", "edit"],
  ["awareness_update", "edit"],
  ["ontology_search", "edit"],
  ["ping", "edit"],
  ["pong", "edit"],
  ["heartbeat", "edit"],
]);

export function rateClassOf(type: string): RateClass {
  return CLASSES.get(type) ?? "request";
}

export interface RateLimits {
  /** 0: no limit. */
  readonly ratePerMinute: number;
}

/**
 * The tokens of one connection, one bucket for each class: they fill up with time, computed when one is taken, so
 * that no timer is needed. (Token bucket as in RFC 2697, with one rate and one burst.)
 */
export class RateBuckets {
  #requestTokens: number;
  #editTokens: number = SERVER_LIMITS.editBurstCount;
  #requestAtMs: number;
  #editAtMs: number;

  constructor(limits: RateLimits, nowMs: number) {
    this.#requestTokens = limits.ratePerMinute;
    this.#requestAtMs = nowMs;
    this.#editAtMs = nowMs;
  }

  /** 0 where the message may pass, else the milliseconds until one of its class may. */
  take(rateClass: RateClass, limits: RateLimits, nowMs: number): number {
    if (rateClass === "exempt" || limits.ratePerMinute === 0) return 0;
    if (rateClass === "edit") {
      const perMs = SERVER_LIMITS.editsPerSecondCount / 1_000;
      const tokens = refilled(this.#editTokens, nowMs - this.#editAtMs, perMs, SERVER_LIMITS.editBurstCount);
      this.#editAtMs = nowMs;
      this.#editTokens = tokens < 1 ? tokens : tokens - 1;
      return tokens < 1 ? (1 - tokens) / perMs : 0;
    }
    const { ratePerMinute } = limits;
    const perMs = ratePerMinute / 60_000;
    const tokens = refilled(this.#requestTokens, nowMs - this.#requestAtMs, perMs, ratePerMinute);
    this.#requestAtMs = nowMs;
    this.#requestTokens = tokens < 1 ? tokens : tokens - 1;
    return tokens < 1 ? (1 - tokens) / perMs : 0;
  }
}

function refilled(tokens: number, elapsedMs: number, perMs: number, burst: number): number {
  return Math.min(burst, tokens + Math.max(0, elapsedMs) * perMs);
}
