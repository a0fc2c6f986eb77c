import { EngineFailure } from "@sparql-live/engine";
import type { ServerPayloads } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import type { Connection } from "../../realtime/connection.js";
import { failureOf } from "../../realtime/refusals.js";
import type { RunScope } from "../../realtime/runs.js";
import type { Audience, QueryRooms } from "./query-rooms.js";
import type { KnownRun, RunLibrary } from "./run-library.js";
import type { Attaching } from "./watched-run.js";
import type { Watcher } from "./watcher.js";

type Outcome = ServerPayloads["resumed"]["runs"][string];

/** A connection on its way back to its runs: until `start` nothing of them is sent to it. */
export interface RunsReturn {
  /** What becomes of each run, by its query id. `roomIds`: the rooms that the connection is in. */
  outcomes(roomIds: Iterable<string>): Promise<Readonly<Record<string, Outcome>>>;
  /** Sends what was missed, then goes on. */
  start(): void;
}

export interface RunsReturnDeps {
  readonly library: RunLibrary;
  readonly rooms: QueryRooms;
  /** Holds the run to who leaves its audience. */
  readonly follow: (known: KnownRun, audience: Audience | null) => void;
}

/** Where runs are looked for; `audience`: `null` for those of the user. */
interface Scope {
  readonly name: RunScope;
  readonly audience: Audience | null;
}

/**
 * Brings a connection that was lost back to its runs. `chunks`: by query id the last chunk that its client has, -1
 * where it has none. Runs that it watched and does not name are sent again from their start: it may not know them.
 */
export function returnToRuns(
  { library, rooms, follow }: RunsReturnDeps,
  connection: Connection,
  chunks: ReadonlyMap<string, number>,
): RunsReturn {
  const outcomes = new Map<string, Outcome>();
  const watchers: Watcher[] = [];
  const attach = (known: KnownRun, attaching: Attaching) => {
    watchers.push(known.watched.attach(connection, attaching));
    outcomes.set(known.watched.view.queryId, { recovered: true });
  };

  // At once: what the former watchers would send from now on would come twice.
  for (const known of [...library.watchedBy(connection)]) {
    const watcher = known.watched.watcherOf(connection);
    if (watcher === undefined) continue;
    const { queryId } = known.watched.view;
    try {
      const { stream, credit } = watcher;
      attach(known, { stream, credit, ...sinceOf(chunks.get(queryId)) });
    } catch (error) {
      outcomes.set(queryId, refused(error));
      watcher.stop();
    }
  }

  return {
    async outcomes(roomIds) {
      const scopes: Scope[] = [{ name: `user:${connection.user.id}`, audience: null }];
      for (const roomId of roomIds) {
        const audience = rooms.audienceOf(roomId);
        if (audience !== undefined) scopes.push({ name: `room:${audience.roomKey}`, audience });
      }
      let lookedForCount = 0;
      for (const [queryId, since] of chunks) {
        if (outcomes.has(queryId)) continue;
        lookedForCount++;
        try {
          if (lookedForCount > SERVER_LIMITS.resumedRunsCount) throw tooMany();
          const { known, audience } = await findIn(library, scopes, queryId);
          follow(known, audience);
          attach(known, sinceOf(since));
        } catch (error) {
          outcomes.set(queryId, refused(error));
        }
      }
      return Object.fromEntries(outcomes);
    },
    start() {
      for (const watcher of watchers) watcher.start();
    },
  };
}

/** In the first scope that has it. Throws what the first of them says that knows of it. */
async function findIn(library: RunLibrary, scopes: readonly Scope[], queryId: string) {
  let first: unknown;
  for (const { name, audience } of scopes) {
    try {
      return { known: await library.find(name, queryId), audience };
    } catch (error) {
      if (first === undefined || failureOf(first).code === "query_not_found") first = error;
    }
  }
  throw first;
}

function sinceOf(since: number | undefined): Attaching {
  return since === undefined ? {} : { since };
}

function refused(error: unknown): Outcome {
  return { recovered: false, code: failureOf(error).code };
}

function tooMany(): EngineFailure {
  return new EngineFailure(
    "too_many_queries",
    "A resume names too many runs; attach to the others one by one.",
  );
}
