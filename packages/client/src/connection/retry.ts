import { RETRIED_CLOSES } from "../failure-table.js";
import { CLIENT_LIMITS } from "../limits.js";

/** How tries to come back are spaced. */
export interface RetryPolicy {
  /** `false`: never come back. Default `true`. */
  readonly reconnect?: boolean | undefined;
  /** Milliseconds before the first try, as other clients of this protocol count: no jitter. */
  readonly reconnectInterval?: number | undefined;
  /** By what the interval grows with each try. Default 1.5, where an interval is given. */
  readonly reconnectDecay?: number | undefined;
  /** Tries before it gives up. Default: for ever. */
  readonly reconnectAttempts?: number | undefined;
}

/** Those that RFC 6455 and networks make, beside those of the protocol's table. A code of an application's own is none. */
const RETRIED_CODES: ReadonlySet<number> = new Set([1001, 1005, 1006, 1011]);

export function isWorthARetry(closeCode: number): boolean {
  return RETRIED_CODES.has(closeCode) || Object.hasOwn(RETRIED_CLOSES, closeCode);
}

export interface Retry {
  /** From 1. */
  readonly attempt: number;
  /** From 0 to below 1. */
  readonly random: number;
  /** What the server asked for. */
  readonly hintMs?: number | undefined;
}

/**
 * Milliseconds until the next try; `null` where there is to be none. By default exponential with full jitter between
 * 0.5 s and 20 s, so that those who were lost together do not come back together. What the server asked for wins; it
 * is spread a little, and never shortened.
 */
export function retryDelayMs(policy: RetryPolicy, { attempt, random, hintMs }: Retry): number | null {
  const { reconnect = true, reconnectInterval, reconnectDecay = 1.5, reconnectAttempts } = policy;
  if (!reconnect || (reconnectAttempts !== undefined && attempt > reconnectAttempts)) return null;
  const { shortestRetryMs, longestRetryMs, longestHintMs } = CLIENT_LIMITS;
  if (hintMs !== undefined) {
    const boundedMs = Math.min(Math.max(0, hintMs), longestHintMs);
    return boundedMs + random * (boundedMs / 4);
  }
  if (reconnectInterval !== undefined) {
    const grownMs = reconnectInterval * reconnectDecay ** (attempt - 1);
    return Math.min(grownMs, Math.max(longestRetryMs, reconnectInterval));
  }
  const ceilingMs = Math.min(longestRetryMs, shortestRetryMs * 2 ** attempt);
  return shortestRetryMs + random * (ceilingMs - shortestRetryMs);
}

/** What stands in the reason of a close. */
export function readCloseReason(reason: string): { readonly code?: string; readonly hintMs?: number } {
  if (!reason.startsWith("{")) return reason === "" ? {} : { code: reason };
  try {
    const read: unknown = JSON.parse(reason);
    if (typeof read !== "object" || read === null) return {};
    const code = "code" in read && typeof read.code === "string" ? read.code : undefined;
    const hint = "retry_after_ms" in read ? read.retry_after_ms : undefined;
    const hintMs = typeof hint === "number" && Number.isFinite(hint) ? hint : undefined;
    return { ...(code === undefined ? {} : { code }), ...(hintMs === undefined ? {} : { hintMs }) };
  } catch {
    // Cut off by a proxy: then it says nothing.
    return {};
  }
}
