import type { AnswerRequest, Engine } from "@sparql-live/engine";
import { ProtocolFailure, type ServerPayloads } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { RunRecords } from "../../broker.js";
import type { Connection, Tier } from "../../realtime/connection.js";
import type { Counters } from "../../realtime/counters.js";
import { errorMessageOf } from "../../realtime/refusals.js";
import type { RunScope, Runs } from "../../realtime/runs.js";
import type { RunSummary } from "../../store.js";
import { RUN_BOUNDS, type RunBounds } from "./bounds.js";
import type { ProgressEvent } from "./event-log.js";
import { createExecutions } from "./executions.js";
import { createPacedSends } from "./paced-sends.js";
import { performRun } from "./perform-run.js";
import type { Audience, QueryRooms } from "./query-rooms.js";
import { type RunsReturn, returnToRuns } from "./resume-runs.js";
import {
  createRunLibrary,
  type KnownRun,
  type RunInProgress,
  type RunLibrary,
  type RunOrigin,
} from "./run-library.js";
import { createRunView, type RunView } from "./run-view.js";
import { createTurns, type Turns } from "./turns.js";
import type { Attaching } from "./watched-run.js";
import type { Watching } from "./watcher.js";

/** What a user may take by asking. */
interface QueryLimits {
  readonly parallelQueries: number;
  readonly maxRows: number;
}

export interface QueryRunsDeps {
  readonly engine: Engine;
  readonly runs: Runs;
  readonly records: RunRecords;
  readonly rooms: QueryRooms;
  readonly counters: Counters;
  readonly log: Logger;
  /** Handed each run at its end. */
  readonly onEnded: (run: RunSummary, request: AnswerRequest) => void;
  readonly tiers: Readonly<Record<Tier, QueryLimits>>;
  /** Told the query that a question in a room was turned into. */
  readonly onDrafted: (roomId: string, query: string) => void;
  /** Whether texts of questions and queries are logged. */
  readonly logQueries: boolean;
  readonly bounds?: Partial<RunBounds>;
}

interface WantedRun {
  readonly queryId: string;
  readonly request: AnswerRequest;
  readonly watching: Watching;
  /** Who watches along; `null` where only who asked does. */
  readonly audience: Audience | null;
}

/** Which run is meant; without a room it is one of the user's own, or one that the connection watches. */
interface RunName {
  readonly queryId: string;
  readonly roomId: string | undefined;
}

/** Queries in progress, and lately ended, that any number of connections watch. */
export interface QueryRuns {
  /** Throws `duplicate_query`. `done` settles at the run's end. */
  begin(connection: Connection, wanted: WantedRun): { readonly done: Promise<void> };
  /** Throws `query_not_found`, `query_expired`, `query_lost`; those of the rooms; `bad_request`. */
  attach(connection: Connection, name: RunName, attaching: Attaching): Promise<void>;
  /** Throws `query_not_found`, `role_forbidden`; those of the rooms. */
  cancel(connection: Connection, name: RunName): Promise<void>;
  grant(connection: Connection, name: RunName, rows: number): void;
  /** Brings a connection that was lost back to its runs; see `returnToRuns`. */
  resume(connection: Connection, chunks: ReadonlyMap<string, number>): RunsReturn;
  /** Those in progress, newest first. */
  ofRoom(roomId: string): ServerPayloads["join_room"]["runs"];
  readonly rooms: QueryRooms;
  /** Who may execute now: also for what asks over HTTP. */
  readonly turns: Turns;
  /** Settles when what is left of ended runs is stored. */
  settled(): Promise<void>;
  close(): void;
}

export function createQueryRuns(deps: QueryRunsDeps): QueryRuns {
  const { runs, rooms, counters, log } = deps;
  const bounds = { ...RUN_BOUNDS, ...deps.bounds };
  const library = createRunLibrary({ ...deps, sends: createPacedSends() }, bounds);
  const work = { turns: createTurns(), executions: createExecutions(deps, bounds), counters, log };
  const ofRooms = new Map<string, Set<RunInProgress>>();

  const nameScope = async (connection: Connection, { roomId }: RunName) => {
    if (roomId === undefined) return { scope: scopeOf(connection, null), audience: null };
    const audience = await rooms.audience(roomId, connection, "watch");
    return { scope: scopeOf(connection, audience), audience };
  };

  const find = async (connection: Connection, name: RunName): Promise<KnownRun> => {
    const { scope, audience } = await nameScope(connection, name);
    const known = await library.find(scope, name.queryId);
    follow(known, audience);
    return known;
  };

  return {
    rooms,
    turns: work.turns,
    begin(connection, { queryId, request: asked, watching, audience }) {
      const { parallelQueries, maxRows } = deps.tiers[connection.tier];
      const request = { ...asked, limit: Math.min(asked.limit ?? maxRows, maxRows) };
      const scope = scopeOf(connection, audience);
      const run = runs.begin(scope, queryId, connection.user.id);
      const origin = originOf(connection, request);
      if (deps.logQueries) {
        const { kind, text } = origin;
        log.info({ query_id: queryId, connection: connection.id, kind, text }, "a query begins");
      }
      const inProgress = { run, origin };
      const view = createRunView({
        queryId,
        roomId: audience?.roomId ?? null,
        ...(audience === null ? {} : { opening: openingOf(origin) }),
      });
      const known = library.add(scope, view, watching, inProgress);
      gather(known, connection, audience);
      if (audience !== null) addTo(ofRooms, audience.roomId, inProgress);
      const end = () => {
        run.end();
        if (audience !== null) removeFrom(ofRooms, audience.roomId, inProgress);
        library.retire(known, origin);
        deps.onEnded(summaryOf(view, origin), request);
      };
      const onQuery = (query: string) => {
        if (audience !== null && origin.kind === "question") deps.onDrafted(audience.roomId, query);
      };
      const { watched } = known;
      const { userId } = origin;
      const performed = performRun({ run, watched, request, userId, parallelQueries, onQuery }, work);
      return { done: performed.finally(end) };
    },

    async attach(connection, name, attaching) {
      const known = watchedOf(library, connection, name) ?? (await find(connection, name));
      known.detached.delete(connection);
      known.watched.attach(connection, attaching).start();
    },

    async cancel(connection, name) {
      let known = watchedOf(library, connection, name);
      if (known === undefined) {
        const { scope } = await nameScope(connection, name);
        known = library.get(scope, name.queryId);
      }
      if (known === undefined || !cancelFor(known, connection)) throw notInProgress(name.queryId);
    },

    grant(connection, name, rows) {
      // Credit that comes after the end is no mistake: it was on its way.
      watchedOf(library, connection, name)?.watched.watcherOf(connection)?.grant(rows);
    },

    resume: (connection, chunks) => returnToRuns({ library, rooms, follow }, connection, chunks),

    ofRoom: (roomId) =>
      [...(ofRooms.get(roomId) ?? [])].reverse().map(({ run, origin }) => ({
        query_id: run.id,
        user_id: origin.userId,
        user_name: origin.userName,
        text: origin.text,
        kind: origin.kind,
        started_at: new Date(origin.startedAtMs).toISOString(),
      })),
    settled: library.settled,
    close: library.close,
  };
}

function scopeOf({ user }: Connection, audience: Audience | null): RunScope {
  return audience === null ? `user:${user.id}` : `room:${audience.roomKey}`;
}

/** Makes everybody who is to watch do so, now and when they come. */
function gather(known: KnownRun, asker: Connection, audience: Audience | null): void {
  follow(known, audience);
  const watchers = [...new Set([asker, ...(audience?.members() ?? [])])].map((connection) =>
    known.watched.attach(connection),
  );
  for (const watcher of watchers) watcher.start();
}

/** Holds to who comes to the room and who leaves it, for as long as somebody watches. */
function follow(known: KnownRun, audience: Audience | null): void {
  known.audience ??= audience;
  known.stopFollowing ??=
    known.audience?.follow(({ kind, connection }) => {
      const watcher = known.watched.watcherOf(connection);
      if (kind === "left") {
        known.detached.delete(connection);
        watcher?.dismiss("detached");
      } else if (watcher === undefined && known.work !== null && !known.detached.has(connection)) {
        join(known, connection);
      }
    }) ?? null;
}

function join({ watched }: KnownRun, connection: Connection): void {
  try {
    watched.attach(connection).start();
  } catch (error) {
    const { queryId, roomId } = watched.view;
    const payload = { ...errorMessageOf(error, queryId), ...(roomId === null ? {} : { room_id: roomId }) };
    connection.send("error_message", payload, { correlationId: queryId });
  }
}

/** Cancels the run, or only the watching, as the connection may. `false` where it has no part in the run. */
function cancelFor({ watched, work, audience, detached }: KnownRun, connection: Connection): boolean {
  const watcher = watched.watcherOf(connection);
  const isPrivate = watched.view.roomId === null;
  if (work === null || watched.view.isOver) {
    watcher?.dismiss(isPrivate ? "requested" : "detached");
    return watcher !== undefined;
  }
  const { user } = connection;
  if (work.origin.userId === user.id || audience?.mayCancel(user.id) === true) {
    if (watcher === undefined) watched.attachToEnd(connection).start();
    work.run.cancel("requested");
    return true;
  }
  if (watcher === undefined) {
    throw new ProtocolFailure(
      "role_forbidden",
      "Others began this query; as a viewer you may only watch it.",
    );
  }
  detached.add(connection);
  watcher.dismiss("detached");
  return true;
}

/** Without a room the user's own comes before one of a room that has the same id. */
function watchedOf(library: RunLibrary, connection: Connection, name: RunName): KnownRun | undefined {
  const named = [...library.watchedBy(connection)].filter(
    ({ watched }) => watched.view.queryId === name.queryId,
  );
  const exact = named.find(({ watched }) => watched.view.roomId === (name.roomId ?? null));
  return exact ?? (name.roomId === undefined ? named[0] : undefined);
}

function originOf({ user }: Connection, { question, sparql }: AnswerRequest): RunOrigin {
  return {
    userId: user.id,
    userName: user.name,
    text: sparql ?? question ?? "",
    kind: sparql === undefined ? "question" : "sparql",
    startedAtMs: Date.now(),
  };
}

/** The first that a room is told of a run: who asked what. */
function openingOf({ userId, userName, text, kind }: RunOrigin): ProgressEvent {
  return {
    kind: "progress",
    stage: "parsing",
    progress: 0,
    message: `Asked by ${userName}`,
    details: {
      user_id: userId,
      user_name: userName,
      [kind === "question" ? "natural_language" : "sparql"]: text,
    },
  };
}

function summaryOf(view: RunView, origin: RunOrigin): RunSummary {
  let outcome: RunSummary["outcome"] = "failed";
  let { rowCount } = view;
  for (const { event } of view.entries()) {
    if (event.kind === "cancelled") outcome = "cancelled";
    else if (event.kind === "result") rowCount = event.payload.row_count;
    else if (event.kind === "progress" && event.stage === "completed") outcome = "completed";
  }
  return { ...origin, queryId: view.queryId, roomId: view.roomId, endedAtMs: Date.now(), outcome, rowCount };
}

function notInProgress(queryId: string): ProtocolFailure {
  return new ProtocolFailure(
    "query_not_found",
    `No query "${queryId}" is in progress; it may be over already.`,
  );
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}

function removeFrom<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
