import { SERVER_LIMITS } from "../../limits.js";
import type { WatchedRun } from "./watched-run.js";

/** Runs that are over, kept for those who missed their end. */
export interface EndedRuns {
  /** The oldest go where it is too much. */
  add(run: WatchedRun): void;
  /** What the run takes has changed. */
  measure(run: WatchedRun): void;
  close(): void;
}

export interface EndedRunsOptions {
  readonly maxBytes?: number;
  readonly retentionMs?: number;
  readonly nowMs?: () => number;
  /** It is kept no longer. */
  readonly onDropped: (run: WatchedRun) => void;
}

interface Kept {
  readonly atMs: number;
  bytes: number;
}

export function createEndedRuns({
  maxBytes = SERVER_LIMITS.maxEndedLogsBytes,
  retentionMs = SERVER_LIMITS.runRetentionMs,
  nowMs = () => performance.now(),
  onDropped,
}: EndedRunsOptions): EndedRuns {
  /** In the order of their ends. */
  const kept = new Map<WatchedRun, Kept>();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const drop = (run: WatchedRun, { bytes: freed }: Kept) => {
    kept.delete(run);
    bytes -= freed;
    onDropped(run);
  };

  const sweep = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const [run, entry] of kept) {
      const leftMs = entry.atMs + retentionMs - nowMs();
      if (leftMs > 0 && bytes <= maxBytes) {
        timer = setTimeout(sweep, leftMs).unref();
        return;
      }
      drop(run, entry);
    }
  };

  return {
    add(run) {
      const entry: Kept = { atMs: nowMs(), bytes: run.view.bytes };
      kept.set(run, entry);
      bytes += entry.bytes;
      if (timer === undefined || bytes > maxBytes) sweep();
    },
    measure(run) {
      const entry = kept.get(run);
      if (entry === undefined) return;
      bytes += run.view.bytes - entry.bytes;
      entry.bytes = run.view.bytes;
      if (bytes > maxBytes) sweep();
    },
    close() {
      clearTimeout(timer);
      kept.clear();
      bytes = 0;
    },
  };
}
