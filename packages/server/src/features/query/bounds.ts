import { LIMITS } from "@sparql-live/engine";
import { SERVER_LIMITS } from "../../limits.js";

/** What a run may take: time, and bytes of its log. */
export interface RunBounds {
  /** How long a watcher whose connection is lost is waited for. */
  readonly watcherGraceMs: number;
  /** Without any credit, at a stretch. */
  readonly maxCreditGapMs: number;
  /** Of all pauses of a run together. */
  readonly maxPausedMs: number;
  /** Of one run in progress. */
  readonly maxLogBytes: number;
  /** Of all that have ended, together. */
  readonly maxEndedLogsBytes: number;
  /** After the end. */
  readonly retentionMs: number;
}

export const RUN_BOUNDS: RunBounds = {
  watcherGraceMs: SERVER_LIMITS.watcherGraceMs,
  maxCreditGapMs: SERVER_LIMITS.maxCreditGapMs,
  maxPausedMs: LIMITS.maxPausedMs,
  maxLogBytes: SERVER_LIMITS.maxRunLogBytes,
  maxEndedLogsBytes: SERVER_LIMITS.maxEndedLogsBytes,
  retentionMs: SERVER_LIMITS.runRetentionMs,
};
