import { EngineFailure } from "@sparql-live/engine";
import { ProtocolFailure } from "@sparql-live/protocol";
import type { Connection } from "../../realtime/connection.js";
import { errorMessageOf } from "../../realtime/refusals.js";
import type { SharedMessage } from "../../realtime/shared-message.js";
import { createCredit } from "./credit.js";
import { isTerminal, type LogEntry } from "./event-log.js";
import type { PacedSends } from "./paced-sends.js";
import type { Passing, RunView } from "./run-view.js";

/**
 * What somebody who follows an execution would take now: so many rows; or nothing, because what there is has not
 * been sent yet (`behind`), because no credit is left (`credit`), or because nobody is there (`away`).
 */
export type Appetite = number | "behind" | "credit" | "away";

/** How a run is watched. */
export interface Watching {
  /** Whether rows are sent as they come, rather than all in the result. */
  readonly stream: boolean;
  /** Rows that may be sent before more are granted. */
  readonly credit: number;
}

export interface Watcher extends Watching {
  readonly connection: Connection;
  readonly isOver: boolean;
  /** Begins to send. Until then, and while the connection is lost, nothing is sent. */
  start(): void;
  /** Something happened in the run. */
  wake(): void;
  grant(rows: number): void;
  appetite(): Appetite;
  /** Ends it with this terminal event now, whatever was not sent yet. */
  finish(entry: LogEntry): void;
  /** The same with an event of its own, while the run goes on: it was told so, or left the room. */
  dismiss(reason: "requested" | "detached"): void;
  /** Ends it with an error of its own. It may attach again, where the run is still kept. */
  fail(failure: EngineFailure | ProtocolFailure): void;
  /** Ends it without a word. */
  stop(): void;
}

export interface WatcherOptions extends Watching {
  readonly view: RunView;
  readonly connection: Connection;
  /** Where to begin, and what to say of the current stage first. */
  readonly from: { readonly at: number; readonly current: SharedMessage | null };
  readonly sends: PacedSends;
  readonly graceMs: number;
  readonly maxCreditGapMs: number;
  /** It may take more than before. */
  readonly onReady: () => void;
  /** Called once, when it is over for whatever reason. */
  readonly onOver: () => void;
  /** A fault of our own. */
  readonly onFault: (error: unknown) => void;
}

/** One connection that watches a run: its place in what happens, and its credit. */
export function createWatcher(options: WatcherOptions): Watcher {
  const { view, connection, stream, sends } = options;
  const credit = createCredit(options.credit);
  const unpin = stream ? () => undefined : view.pin();
  const supersedes = view.progressKey;
  const correlation = { correlationId: view.queryId, supersedes };
  let phase: "new" | "live" | "lost" | "over" = "new";
  let at = options.from.at;
  let pumping = false;
  let woken = false;
  let toldPassing: Passing | null = null;
  let grace: NodeJS.Timeout | undefined;
  let patience: NodeJS.Timeout | undefined;
  /** What befell it before it was started, to be told then. */
  let failure: EngineFailure | ProtocolFailure | null = null;

  const isLive = () => phase === "live";

  const end = () => {
    if (phase === "over") return;
    phase = "over";
    clearTimeout(grace);
    clearTimeout(patience);
    stopListening();
    unpin();
    options.onOver();
  };

  const waitForReturn = () => {
    phase = "lost";
    clearTimeout(patience);
    grace ??= setTimeout(end, options.graceMs).unref();
    options.onReady();
  };

  const stopListening = connection.onLife((life) => {
    if (life === "gone") end();
    else if (life === "lost") waitForReturn();
  });

  /** Sends an entry. Settles when the next may follow. */
  const tell = (entry: LogEntry): Promise<void> | undefined => {
    const { event } = entry;
    at = entry.at + 1;
    if (event.kind === "rows") {
      if (!stream) return undefined;
      credit.spend(event.chunk.rowCount);
      return sends.send(connection, view.message(entry), isLive);
    }
    if (event.kind === "result") {
      return sends.send(connection, stream ? view.message(entry) : view.collected(entry), isLive, supersedes);
    }
    connection.sendShared(view.message(entry), { supersedes });
    if (isTerminal(event)) end();
    return undefined;
  };

  const tellPassing = () => {
    const { passing } = view;
    if (passing === null || passing === toldPassing || passing.stageAt !== view.stageAt) return;
    // Who is still behind a change of stage must be told that first.
    if (at <= passing.stageAt) return;
    toldPassing = passing;
    connection.sendEphemeral(supersedes, () => passing.message);
  };

  /** Once the run is over nobody else keeps an eye on those who do not take what they wanted. */
  const awaitCredit = () => {
    if (!view.isOver || patience !== undefined) return;
    patience = setTimeout(() => fail(withoutCredit(options.maxCreditGapMs)), options.maxCreditGapMs).unref();
  };

  const pumpOnce = async () => {
    while (isLive() && at < view.end) {
      const entry = view.entry(at);
      if (entry === undefined) return fail(fellBehind(view.queryId));
      if (stream && entry.event.kind === "rows" && credit.rows <= 0) return awaitCredit();
      const sent = tell(entry);
      if (sent !== undefined) await sent;
    }
    if (isLive()) tellPassing();
  };

  const pump = async () => {
    woken = true;
    if (pumping) return;
    pumping = true;
    try {
      while (woken && isLive()) {
        woken = false;
        await pumpOnce();
      }
    } finally {
      pumping = false;
    }
    options.onReady();
  };

  const wake = () => {
    if (isLive()) pump().catch(giveUp);
  };

  const giveUp = (error: unknown) => {
    options.onFault(error);
    fail(new ProtocolFailure("internal_error", "The server failed at sending this query's rows."));
  };

  const fail: Watcher["fail"] = (reason) => {
    if (phase === "new") {
      failure ??= reason;
      return;
    }
    if (isLive()) {
      const ids = { query_id: view.queryId, ...(view.roomId === null ? {} : { room_id: view.roomId }) };
      connection.send("error_message", { ...errorMessageOf(reason), ...ids }, correlation);
      const payload = { ...ids, stage: "failed" as const, progress: 0, message: reason.message };
      connection.send("query_progress", payload, correlation);
    }
    end();
  };

  return {
    connection,
    stream,
    credit: options.credit,
    get isOver() {
      return phase === "over";
    },
    start() {
      if (phase !== "new") return;
      if (connection.life === "gone") return end();
      if (connection.life === "lost") return waitForReturn();
      phase = "live";
      if (failure !== null) return fail(failure);
      if (options.from.current !== null) {
        connection.sendShared(options.from.current, { supersedes });
        if (options.from.current === view.passing?.message) toldPassing = view.passing;
      }
      wake();
    },
    wake,
    grant(rows) {
      credit.grant(rows);
      clearTimeout(patience);
      patience = undefined;
      if (credit.rows <= 0) awaitCredit();
      wake();
      options.onReady();
    },
    appetite() {
      if (!stream) return Number.POSITIVE_INFINITY;
      if (!isLive()) return "away";
      if (credit.rows <= 0) return "credit";
      return pumping || at < view.end ? "behind" : credit.rows;
    },
    finish(entry) {
      if (phase === "new") {
        at = entry.at;
        return;
      }
      if (isLive()) connection.sendShared(view.message(entry), { supersedes });
      end();
    },
    dismiss(reason) {
      if (isLive()) {
        const ids = { query_id: view.queryId, ...(view.roomId === null ? {} : { room_id: view.roomId }) };
        connection.send("query_cancelled", { ...ids, reason }, correlation);
      }
      end();
    },
    fail,
    stop: end,
  };
}

function withoutCredit(gapMs: number): EngineFailure {
  return new EngineFailure(
    "query_timeout",
    `No credit came for ${gapMs / 1_000} s after the query ended. Grant rows with query_credit as they are read; query_attach goes on behind the last chunk that you have.`,
  );
}

function fellBehind(queryId: string): ProtocolFailure {
  return new ProtocolFailure(
    "query_expired",
    `You fell so far behind the query "${queryId}" that its next rows are not kept any more. Send it again under a new id.`,
  );
}
