import { SERVER_LIMITS } from "../limits.js";

/** `exempt` is never refused: what ends, acknowledges or recovers work. `control`: pings and pongs of WebSocket. */
export type RateClass = "request" | "edit" | "control" | "exempt";

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
  ["document_request", "edit"],
  ["document_update", "edit"],
  ["document_snapshot", "edit"],
  ["awareness_update", "edit"],
  ["ontology_search", "edit"],
  // Who is busy must be able to show a fresh token.
  ["authenticate", "edit"],
  ["ping", "edit"],
  ["pong", "edit"],
  ["heartbeat", "edit"],
]);

export function rateClassOf(type: string): RateClass {
  return CLASSES.get(type) ?? "request";
}

export interface RateLimits {
  /** 0: no limit, of edits neither. */
  readonly ratePerMinute: number;
}

/** A bucket as it was when something was last taken. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * The tokens of one connection, one bucket for each class: they fill up with time, computed when one is taken, so
 * that no timer is needed. (Token bucket as in RFC 2697, with one rate and one burst.)
 */
export class RateBuckets {
  readonly #requests: Bucket;
  readonly #edits: Bucket;
  readonly #controlFrames: Bucket;

  constructor(limits: RateLimits, nowMs: number) {
    this.#requests = { tokens: limits.ratePerMinute, atMs: nowMs };
    this.#edits = { tokens: SERVER_LIMITS.editBurstCount, atMs: nowMs };
    this.#controlFrames = { tokens: SERVER_LIMITS.controlFrameBurstCount, atMs: nowMs };
  }

  /** 0 where the message may pass, else the milliseconds until one of its class may. */
  take(rateClass: RateClass, { ratePerMinute }: RateLimits, nowMs: number): number {
    switch (rateClass) {
      case "exempt":
        return 0;
      case "control":
        return takeFrom(
          this.#controlFrames,
          nowMs,
          SERVER_LIMITS.controlFramesPerSecondCount / 1_000,
          SERVER_LIMITS.controlFrameBurstCount,
        );
      case "edit": {
        if (ratePerMinute === 0) return 0;
        const perMs = SERVER_LIMITS.editsPerSecondCount / 1_000;
        return takeFrom(this.#edits, nowMs, perMs, SERVER_LIMITS.editBurstCount);
      }
      case "request":
        if (ratePerMinute === 0) return 0;
        return takeFrom(this.#requests, nowMs, ratePerMinute / 60_000, ratePerMinute);
    }
  }
}

function takeFrom(bucket: Bucket, nowMs: number, perMs: number, burst: number): number {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(burst, bucket.tokens + elapsedMs * perMs);
  bucket.atMs = nowMs;
  bucket.tokens = tokens < 1 ? tokens : tokens - 1;
  return tokens < 1 ? (1 - tokens) / perMs : 0;
}
