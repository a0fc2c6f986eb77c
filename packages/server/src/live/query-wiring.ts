import type { ServerPayloads } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { Broker } from "../broker.js";
import { createQueryRuns, type QueryRuns, type QueryRunsDeps } from "../features/query/query-runs.js";
import { createRoomAudiences } from "../features/query/room-audiences.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Limits, LiveOptions } from "../live-options.js";
import type { Counters } from "../realtime/counters.js";
import type { RoomDeps } from "../realtime/rooms/room-deps.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import type { Runs } from "../realtime/runs.js";
import type { Sessions } from "../realtime/sessions.js";
import type { RunSummary, Store } from "../store.js";
import type { Analytics } from "./analytics.js";

/** Runs and the rooms that watch them, which know of each other only here. */
export interface QueryWiring {
  /** `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  /** What rooms need of runs. */
  readonly ofRooms: Pick<RoomDeps, "runsOf" | "onMember">;
}

export interface QueryWiringDeps {
  readonly runs: Runs;
  readonly broker: Pick<Broker, "runs">;
  readonly store: Store;
  readonly counters: Counters;
  readonly log: Logger;
  readonly limits: Pick<Limits, "tiers" | "logQueries">;
  readonly analytics: Pick<Analytics, "count">;
  readonly rooms: () => Rooms;
  readonly sessions: () => Sessions;
}

export function wireQueries(
  { engine, runBounds }: Pick<LiveOptions, "engine" | "runBounds">,
  { runs, broker, store, counters, log, limits, analytics, rooms, sessions }: QueryWiringDeps,
): QueryWiring {
  const audiences = createRoomAudiences({ rooms, peerOf: ({ id }) => sessions().get(id) });
  const onEnded: QueryRunsDeps["onEnded"] = (run, request) => {
    analytics.count(run, request);
    store.history
      .add(run)
      .catch((error: unknown) => log.warn({ err: error }, "a run could not be remembered"));
  };
  const onDrafted = (roomId: string, query: string) => {
    rooms()
      .get(roomId)
      ?.write(SERVER_LIMITS.documentQueryText, `${query}\n`)
      .catch((error: unknown) => log.warn({ err: error }, "a drafted query could not be written"));
  };
  const queries =
    engine === null
      ? null
      : createQueryRuns({
          engine,
          runs,
          records: broker.runs,
          rooms: audiences,
          counters,
          log,
          tiers: limits.tiers,
          onEnded,
          onDrafted,
          logQueries: limits.logQueries,
          ...(runBounds === undefined ? {} : { bounds: runBounds }),
        });
  const runsOf = async (roomId: string) =>
    toldRuns(queries?.ofRoom(roomId) ?? [], await store.history.ofRoom(roomId, SERVER_LIMITS.toldRunsCount));
  return { queries, ofRooms: { runsOf, onMember: audiences.onMember } };
}

type ToldRun = ServerPayloads["join_room"]["runs"][number];

/** Those in progress before those that are over. */
function toldRuns(inProgress: readonly ToldRun[], ended: readonly RunSummary[]): ToldRun[] {
  const over = ended.map((run) => ({
    query_id: run.queryId,
    user_id: run.userId,
    user_name: run.userName,
    text: run.text,
    kind: run.kind,
    started_at: new Date(run.startedAtMs).toISOString(),
    outcome: run.outcome,
    row_count: run.rowCount,
  }));
  return [...inProgress, ...over].slice(0, SERVER_LIMITS.toldRunsCount);
}
