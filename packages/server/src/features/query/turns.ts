import { EngineFailure } from "@sparql-live/engine";
import { SERVER_LIMITS } from "../../limits.js";

/** Lets each user have a few queries in progress; further ones wait in line. */
export interface Turns {
  /**
   * Settles when it is the caller's turn, with the way to give it back. `onPosition` is told the place in line, 1
   * being next, whenever it changes. Throws `too_many_queries` where the line is full, and `query_cancelled` when
   * `signal` is aborted. `parallelCount`: how many the user may have in progress; default: as many as others.
   */
  take(
    user: string,
    signal: AbortSignal,
    onPosition: (position: number) => void,
    parallelCount?: number,
  ): Promise<() => void>;
}

interface Waiting {
  readonly start: () => void;
  readonly onPosition: (position: number) => void;
}

interface Line {
  runningCount: number;
  readonly waiting: Waiting[];
}

export function createTurns({
  parallelCount: usualCount = SERVER_LIMITS.parallelQueriesPerUserCount,
  waitingCount = SERVER_LIMITS.waitingQueriesPerUserCount,
}: {
  readonly parallelCount?: number;
  readonly waitingCount?: number;
} = {}): Turns {
  const lines = new Map<string, Line>();

  const tellPositions = (line: Line) => {
    line.waiting.forEach((waiting, index) => {
      waiting.onPosition(index + 1);
    });
  };
  const giveBack = (user: string, line: Line) => {
    const next = line.waiting.shift();
    if (next !== undefined) {
      next.start();
      tellPositions(line);
      return;
    }
    line.runningCount--;
    if (line.runningCount === 0) lines.delete(user);
  };

  return {
    take(user, signal, onPosition, parallelCount = usualCount) {
      if (signal.aborted) return Promise.reject(cancelled());
      const line = lines.get(user) ?? { runningCount: 0, waiting: [] };
      lines.set(user, line);
      let given = false;
      const release = () => {
        if (given) return;
        given = true;
        giveBack(user, line);
      };
      if (line.runningCount < parallelCount) {
        line.runningCount++;
        return Promise.resolve(release);
      }
      if (line.waiting.length >= waitingCount) {
        return Promise.reject(
          new EngineFailure(
            "too_many_queries",
            `${line.runningCount} of your queries are in progress and ${line.waiting.length} wait; no more may wait.`,
            { retryAfterMs: 1_000 },
          ),
        );
      }
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          onPosition,
          start() {
            signal.removeEventListener("abort", onAbort);
            resolve(release);
          },
        };
        const onAbort = () => {
          line.waiting.splice(line.waiting.indexOf(waiting), 1);
          tellPositions(line);
          reject(cancelled());
        };
        signal.addEventListener("abort", onAbort, { once: true });
        line.waiting.push(waiting);
        onPosition(line.waiting.length);
      });
    },
  };
}

function cancelled(): EngineFailure {
  return new EngineFailure("query_cancelled", "The query was cancelled while it waited for its turn.");
}
