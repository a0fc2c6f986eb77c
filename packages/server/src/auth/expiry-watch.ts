import { FAILURES, type FailureCode } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Connection } from "../realtime/connection.js";
import type { Wheel, WheelEntry } from "../realtime/wheel.js";
import type { Identity } from "./authenticator.js";

/** A connection that lives as long as what proves who it is. */
export interface Holder extends Pick<Connection, "send"> {
  readonly identity: Identity | null;
  cut(failure: FailureCode, code: number, isFinal: boolean): void;
}

/** Asks connections for a fresh token before theirs expires, and closes those that have shown none when it does. */
export interface ExpiryWatch {
  /** By the identity that it has now; again after each change of it. */
  watch(holder: Holder): void;
  unwatch(holder: Holder): void;
}

/** The time that is left is measured on a monotonic clock: when the wall clock jumps, nobody expires. */
export function createExpiryWatch(wheel: Pick<Wheel, "add">): ExpiryWatch {
  const entries = new Map<Holder, WheelEntry>();

  const unwatch = (holder: Holder) => {
    entries.get(holder)?.remove();
    entries.delete(holder);
  };

  return {
    unwatch,
    watch(holder) {
      unwatch(holder);
      const expiresAtMs = holder.identity?.expiresAtMs ?? null;
      if (expiresAtMs === null) return;
      const startMs = performance.now();
      const lifeMs = expiresAtMs - Date.now();
      const endMs = startMs + lifeMs;
      const promptMs = startMs + promptAfterMs(lifeMs);
      let isAsked = false;
      const visit = () => {
        const nowMs = performance.now();
        if (nowMs >= endMs) {
          entries.delete(holder);
          holder.cut("token_expired", FAILURES.token_expired.close, false);
          return null;
        }
        if (!isAsked && nowMs >= promptMs) {
          isAsked = true;
          holder.send("token_expiring", { expires_at: new Date(expiresAtMs).toISOString() });
        }
        return (isAsked ? endMs : promptMs) - nowMs;
      };
      entries.set(holder, wheel.add({ visit }, promptMs - startMs));
    },
  };
}

/** When a fresh token is asked for, of one that is good for so long. */
export function promptAfterMs(lifeMs: number): number {
  const { tokenPromptMs, tokenPromptShare } = SERVER_LIMITS;
  // A minute is a fifth of five minutes: from there on the minute is the later of the two.
  return Math.max(lifeMs - tokenPromptMs, lifeMs * tokenPromptShare);
}
