import { randomUUID } from "node:crypto";
import { type Codec, ProtocolFailure } from "@sparql-live/protocol";
import type { Framed } from "../../realtime/frames.js";
import { type SharedMessage, shareMessage } from "../../realtime/shared-message.js";
import type { EventLog, LogEntry, ProgressEvent, RunEvent } from "./event-log.js";
import type { WireRow } from "./row-chunk.js";

/** Progress within a stage, of which only the latest counts. */
export interface Passing {
  /** The place of the change of stage that it came after. */
  readonly stageAt: number;
  readonly message: SharedMessage;
}

/**
 * What those who watch a run are told, in order: the opening (place -1, in rooms), what happened in the execution
 * (places from 0), and what happened to the run alone (that it was cancelled) behind that. Each is one message, the
 * same bytes whoever gets it and whenever.
 */
export interface RunView {
  readonly queryId: string;
  readonly roomId: string | null;
  /** Names the run's life: message ids are counted within it. */
  readonly uid: string;
  /** Of the ephemeral progress that may wait in a connection. */
  readonly progressKey: string;
  readonly start: number;
  /** The place of what comes next. */
  readonly end: number;
  /** Whether the terminal event is there. */
  readonly isOver: boolean;
  readonly isWhole: boolean;
  readonly bytes: number;
  readonly rowCount: number;
  /** The place of the last change of stage, before `start` where there was none. */
  readonly stageAt: number;
  readonly passing: Passing | null;
  entry(at: number): LogEntry | undefined;
  /** Those that are kept, in order. */
  entries(): Iterable<LogEntry>;
  message(entry: LogEntry): SharedMessage;
  /** The result with all rows in it. */
  collected(entry: LogEntry): SharedMessage;
  /**
   * Where somebody goes on who has seen the chunk `since` (-1: none yet), and the progress that is current there.
   * Throws `query_expired` where what is missing is not kept any more, `bad_request` where there is no such chunk.
   */
  placeAfter(since: number): { readonly at: number; readonly current: SharedMessage | null };
  /** Somebody collects the rows: they are kept meanwhile. Returns the way to give that up. */
  pin(): () => void;
  /** Shows what happens in an execution, from its start. */
  show(log: EventLog): void;
  /** Progress of which only the latest counts, and only until the next that is in order. */
  pass(event: ProgressEvent): void;
  /** Ends the view here, with events of its own. */
  close(events: readonly RunEvent[]): void;
  /** Lets everything go. */
  discard(): void;
}

export interface RunViewOptions {
  readonly queryId: string;
  readonly roomId: string | null;
  readonly opening?: ProgressEvent;
  /** Default: now. */
  readonly openedAtMs?: number;
  /** Default: a new one. */
  readonly uid?: string;
}

export function createRunView({
  queryId,
  roomId,
  opening,
  openedAtMs = Date.now(),
  uid = randomUUID(),
}: RunViewOptions): RunView {
  const progressKey = `progress:${uid}`;
  const messages = new WeakMap<LogEntry, SharedMessage>();
  const openingEntry: LogEntry | null =
    opening === undefined ? null : { at: -1, atMs: openedAtMs, event: opening };
  const start = openingEntry === null ? 0 : -1;
  let log: EventLog | null = null;
  let closing: { readonly at: number; readonly entries: readonly LogEntry[] } | null = null;
  let collected: SharedMessage | null = null;
  let passing: Passing | null = null;
  let passedCount = 0;
  let pinCount = 0;
  let unpin: (() => void) | null = null;

  const ids = { query_id: queryId, ...(roomId === null ? {} : { room_id: roomId }) };
  const framing = (id: string | number, atMs: number) => ({
    messageId: `${uid}-${id}`,
    correlationId: queryId,
    atMs,
  });

  const share = (entry: LogEntry): SharedMessage => {
    const { event } = entry;
    const { at, atMs } = entry;
    switch (event.kind) {
      case "progress":
        return shareMessage("query_progress", progressPayload(event), framing(at + 1, atMs));
      case "rows": {
        const { chunk } = event;
        const { seq, variables } = chunk;
        const head = { ...ids, seq, ...(variables === null ? {} : { variables: [...variables] }) };
        // A function: the message must not hold the rows when it is encoded.
        return shareMessage("query_rows", () => ({ ...head, rows: chunk.rows() }), framing(at + 1, atMs));
      }
      case "result":
        return shareMessage("query_result", { ...ids, ...event.payload }, framing(at + 1, atMs));
      case "error":
        return shareMessage("error_message", { ...event.payload, ...ids }, framing(at + 1, atMs));
      case "cancelled":
        return shareMessage("query_cancelled", { ...ids, reason: event.reason }, framing(at + 1, atMs));
    }
  };

  const progressPayload = ({ kind: _, ...event }: ProgressEvent) => ({ ...ids, ...event });

  const entryAt = (at: number): LogEntry | undefined => {
    if (at === -1) return openingEntry ?? undefined;
    if (closing !== null && at >= closing.at) return closing.entries[at - closing.at];
    return log?.get(at);
  };

  function* entries(): Generator<LogEntry> {
    if (openingEntry !== null) yield openingEntry;
    for (const entry of log?.entries() ?? []) {
      if (closing !== null && entry.at >= closing.at) break;
      yield entry;
    }
    yield* closing?.entries ?? [];
  }

  const lastStage = (before: number): LogEntry | undefined => {
    const bound = Math.min(before, closing?.at ?? before);
    const progress = log?.progress ?? [];
    return progress.findLast(({ at }) => at < bound) ?? openingEntry ?? undefined;
  };
  const stageAt = () => lastStage(Number.POSITIVE_INFINITY)?.at ?? start - 1;

  const messageOf = (entry: LogEntry): SharedMessage => {
    let message = messages.get(entry);
    if (message === undefined) {
      const isOfLog = log !== null && log.get(entry.at) === entry;
      message = isOfLog && log !== null ? keepFrames(log, entry, () => share(entry)) : share(entry);
      messages.set(entry, message);
    }
    return message;
  };

  return {
    queryId,
    roomId,
    uid,
    progressKey,
    start,
    get end() {
      return closing === null ? (log?.end ?? 0) : closing.at + closing.entries.length;
    },
    get isOver() {
      return closing !== null || log?.isOver === true;
    },
    get isWhole() {
      return log?.isWhole !== false;
    },
    get bytes() {
      return log?.bytes ?? 0;
    },
    get rowCount() {
      return log?.rowCount ?? 0;
    },
    get stageAt() {
      return stageAt();
    },
    get passing() {
      return passing;
    },
    entry: entryAt,
    entries,
    message: messageOf,
    collected(entry) {
      if (entry.event.kind !== "result" || entry.event.payload.results === null) return messageOf(entry);
      const { payload } = entry.event;
      const { results } = entry.event.payload;
      collected ??= shareMessage(
        "query_result",
        () => ({ ...ids, ...payload, results: { ...results, bindings: [...rowsOf(entries())] } }),
        framing(`${entry.at + 1}-collected`, entry.atMs),
      );
      return collected;
    },
    placeAfter(since) {
      if (since >= (log?.chunkCount ?? 0)) throw noSuchChunk(since);
      const isKept = since >= 0 || log?.isWhole !== false;
      const at = since >= 0 ? log?.placeAfterChunk(since) : placeOfFirstRows(entries());
      if (at === undefined || !isKept) throw tooOld(queryId);
      const stage = lastStage(at);
      if (stage === undefined) return { at, current: null };
      // The later of the two: progress never goes back.
      return { at, current: passing?.stageAt === stage.at ? passing.message : messageOf(stage) };
    },
    pin() {
      pinCount++;
      unpin ??= log?.pin() ?? null;
      let pinned = true;
      return () => {
        if (!pinned) return;
        pinned = false;
        pinCount--;
        if (pinCount > 0) return;
        collected = null;
        unpin?.();
        unpin = null;
      };
    },
    show(shown) {
      log = shown;
      if (pinCount > 0) unpin = log.pin();
    },
    pass(event) {
      passedCount++;
      const id = `passing-${passedCount}`;
      const message = shareMessage("query_progress", progressPayload(event), framing(id, Date.now()));
      passing = { stageAt: stageAt(), message };
    },
    close(events) {
      const at = log?.end ?? 0;
      const atMs = Date.now();
      closing = { at, entries: events.map((event, index) => ({ at: at + index, atMs, event })) };
    },
    discard() {
      log = null;
      closing = { at: 0, entries: [] };
      collected = null;
    },
  };
}

/** Keeps the frames of a message for every codec that somebody wanted, as far as the log has room for them. */
function keepFrames(log: EventLog, entry: LogEntry, share: () => SharedMessage): SharedMessage {
  const kept = new Map<Codec, Framed>();
  return {
    framed(codec) {
      const known = kept.get(codec);
      if (known !== undefined) return known;
      const framed = share().framed(codec);
      if (log.keep(entry, codec, framed)) kept.set(codec, framed);
      return framed;
    },
  };
}

function* rowsOf(entries: Iterable<LogEntry>): Generator<WireRow> {
  for (const { event } of entries) if (event.kind === "rows") yield* event.chunk.rows();
}

/** Behind the stages that come before any rows. */
function placeOfFirstRows(entries: Iterable<LogEntry>): number {
  let at = 0;
  for (const entry of entries) {
    if (entry.event.kind !== "progress") return entry.at;
    at = entry.at + 1;
  }
  return at;
}

/** What somebody is told who comes too late for a part of the rows. */
export function tooOld(queryId: string): ProtocolFailure {
  return new ProtocolFailure(
    "query_expired",
    `The rows of the query "${queryId}" that you have not seen are not kept any more. Send it again under a new id.`,
  );
}

function noSuchChunk(since: number): ProtocolFailure {
  return new ProtocolFailure(
    "bad_request",
    `There is no chunk ${since} yet: \`since\` is the last one seen.`,
  );
}
