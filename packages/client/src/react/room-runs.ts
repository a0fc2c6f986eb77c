import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { SPARQLWebSocketClient } from "../client.js";

/** A query that somebody asked in the room. */
export interface RoomRun {
  readonly queryId: string;
  readonly userId: string;
  readonly userName: string;
  /** The question, or the query. */
  readonly text: string;
  readonly kind: "question" | "sparql";
  /** As in `query_progress`; `null` before the first was told. */
  readonly stage: ServerPayloads["query_progress"]["stage"] | null;
  /** From 0 to 1. */
  readonly progress: number;
  readonly outcome: "running" | "completed" | "failed" | "cancelled";
  /** `null` until it is over. */
  readonly rowCount: number | null;
}

const SHOWN_COUNT = 20;

/** Tells the runs of a room, newest first, whenever they change. Returns the way to stop. */
export function followRuns(
  client: SPARQLWebSocketClient,
  roomId: string,
  onChange: (runs: readonly RoomRun[]) => void,
): () => void {
  let runs: readonly RoomRun[] = [];
  return client.on("message", (message) => {
    // What is not known here stays as it is.
    const next = runsAfter(runs, message as ServerMessage, roomId);
    if (next === runs) return;
    runs = next;
    onChange(runs);
  });
}

/** The runs after a message; the same object where it says nothing of them. */
function runsAfter(
  runs: readonly RoomRun[],
  { type, payload }: ServerMessage,
  roomId: string,
): readonly RoomRun[] {
  switch (type) {
    case "join_room":
    case "room_state":
      return payload.room_id === roomId ? payload.runs.map((run) => toldRun(run, runs)) : runs;
    case "query_progress":
      return payload.room_id === roomId ? progressed(runs, payload) : runs;
    case "query_result":
      if (payload.room_id !== roomId) return runs;
      return changed(runs, payload.query_id, { rowCount: payload.row_count });
    case "query_cancelled":
      if (payload.room_id !== roomId || payload.reason === "detached") return runs;
      return changed(runs, payload.query_id, { outcome: "cancelled" });
    default:
      return runs;
  }
}

function toldRun(told: ServerPayloads["join_room"]["runs"][number], known: readonly RoomRun[]): RoomRun {
  const { query_id: queryId, user_id: userId, user_name: userName, text, kind } = told;
  const { stage = null, progress = 0 } = known.find((run) => run.queryId === queryId) ?? {};
  const { outcome = "running", row_count: rowCount = null } = told;
  return { queryId, userId, userName, text, kind, stage, progress, outcome, rowCount };
}

function progressed(
  runs: readonly RoomRun[],
  { query_id: queryId, stage, progress, details = {} }: ServerPayloads["query_progress"],
): readonly RoomRun[] {
  const outcome = stage === "completed" || stage === "failed" ? stage : "running";
  if (runs.some((run) => run.queryId === queryId)) {
    return changed(runs, queryId, { stage, outcome, ...(stage === "failed" ? {} : { progress }) });
  }
  // The first step says who asks what.
  const { user_id: userId, user_name: userName, natural_language: question, sparql } = details;
  const text = question ?? sparql;
  if (typeof userId !== "string" || typeof text !== "string") return runs;
  const run: RoomRun = {
    queryId,
    userId,
    userName: typeof userName === "string" ? userName : userId,
    text,
    kind: question === undefined ? "sparql" : "question",
    stage,
    progress,
    outcome,
    rowCount: null,
  };
  return [run, ...runs].slice(0, SHOWN_COUNT);
}

function changed(runs: readonly RoomRun[], queryId: string, change: Partial<RoomRun>): readonly RoomRun[] {
  if (!runs.some((run) => run.queryId === queryId)) return runs;
  return runs.map((run) => (run.queryId === queryId ? { ...run, ...change } : run));
}
