import type { ClientPayloads, ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import { errorOf, isPassing, SparqlLiveError } from "../errors.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { MessageOf, Send } from "../messages.js";
import { callSafely } from "../store.js";
import { withResolvers } from "../waiting.js";

export type QueryResult = ServerPayloads["query_result"];
export type QueryProgress = ServerPayloads["query_progress"];
export type Row = ServerPayloads["query_rows"]["rows"][number];
export type Chunk = Pick<ServerPayloads["query_rows"], "seq" | "rows"> & {
  /** The names of the columns. */
  readonly variables: readonly string[];
};

export interface RunOptions {
  readonly queryId: string;
  readonly roomId: string | undefined;
  /** What is sent to begin it; `null` where it was begun elsewhere and is only watched. */
  readonly request: Omit<ClientPayloads["query_request"], "stream" | "credit"> | null;
  /** It is to be cancelled, and nothing else. */
  readonly isUnwanted?: boolean | undefined;
  /** The last chunk that is known already; -1: none. */
  readonly since: number;
  /** Takes rows as they come; without it they stand in the result. It says by `consumed` when it wants more. */
  readonly onChunk: ((chunk: Chunk) => void) | undefined;
  readonly onProgress: ((progress: QueryProgress) => void) | undefined;
  /** Rows that may wait for their reader. */
  readonly bufferRows: number;
  readonly send: Send;
  /** Rows for which a server that was not told otherwise stops. */
  readonly maxRows: () => number;
  readonly isReady: () => boolean;
  readonly mayBegin: () => boolean;
  readonly onOver: () => void;
}

/** One query from the request to its end, over as many connections as it takes. */
export interface Run {
  readonly queryId: string;
  /** Nobody watches it by this: it is to be cancelled. */
  readonly isUnwanted: boolean;
  /** Rejects with `SparqlLiveError`. */
  readonly result: Promise<QueryResult>;
  /** Settles when nothing more is taken of it. */
  readonly over: Promise<void>;
  /** For `resume`: the last chunk that came; `null` where the server knows nothing of it. */
  readonly position: number | null;
  take(message: ServerMessage): void;
  refused(error: SparqlLiveError): void;
  /** The reader is done with so many rows. */
  consumed(count: number): void;
  /** Settles when the server has stopped it, or it was over. */
  cancel(): Promise<void>;
  /** The result rejects at once. What was begun here is cancelled when that can be done; what was not goes on. */
  abort(error: SparqlLiveError): void;
  /** The connection may be used. */
  ready(): void;
  lost(): void;
  /** What `resumed` says of it; `undefined` where it says nothing. */
  resumed(outcome: ServerPayloads["resumed"]["runs"][string] | undefined): void;
  fail(error: SparqlLiveError): void;
}

type Phase =
  /** The server was not asked, or must be asked again. */
  | "unsent"
  /** The server was asked: it may or may not know of it. */
  | "sent"
  /** It is to be watched anew behind the last chunk. */
  | "detached"
  /** The reader is behind: it is watched anew when there is room. */
  | "parked"
  | "cancelling"
  | "over";

export function createRun(options: RunOptions): Run {
  const {
    queryId,
    roomId,
    request,
    onChunk,
    onProgress,
    bufferRows,
    send,
    isReady,
    isUnwanted = false,
  } = options;
  const { promise, resolve, reject } = withResolvers<QueryResult>();
  const over = withResolvers<void>();
  const ofRun = { query_id: queryId, ...(roomId === undefined ? {} : { room_id: roomId }) };
  // Answers of every kind then name the run.
  const framing = { correlation_id: queryId };
  let phase: Phase = isUnwanted ? "cancelling" : request === null ? "detached" : "unsent";
  let lastSeq = options.since;
  let variables: readonly string[] = [];
  let lastProgress = 0;
  /**
   * Rows were passed over, or may have been before it was watched from here: what the server had sent by then says
   * nothing of the end. All of it comes again.
   */
  let isBehind = request === null && lastSeq < 0;
  let result: QueryResult | null = null;
  /** Rows that the server may still send. */
  let credit = 0;
  /** What was said last of it to the server, which begins with that anew after a reconnection. */
  let firstCredit = 0;
  /** Rows that the reader has and is not done with. */
  let waitingRows = 0;
  /** Nothing is handed on any more, though more may come until the server has stopped it. */
  let isAborted = false;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  promise.catch(() => undefined);

  const end = (settle: () => void) => {
    if (phase === "over") return;
    phase = "over";
    clearTimeout(retryTimer);
    options.onOver();
    settle();
    over.resolve();
  };
  const fail = (error: SparqlLiveError) => end(() => reject(error));

  const transmit = (sendIt: () => boolean, next: Phase) => {
    try {
      if (sendIt()) phase = next;
    } catch (error) {
      // Only what is too large throws.
      fail(error as SparqlLiveError);
    }
  };

  const ask = () => {
    if (request === null || !options.mayBegin()) return;
    credit = firstCredit = bufferRows;
    const rows = onChunk === undefined ? {} : { stream: true, credit };
    const payload = { limit: options.maxRows(), ...request, ...rows };
    transmit(() => send("query_request", payload, { message_id: queryId }), "sent");
  };

  const attach = () => {
    credit = firstCredit = Math.max(1, bufferRows - waitingRows);
    const rows = onChunk === undefined ? { stream: false } : { stream: true, credit };
    const since = onChunk !== undefined && lastSeq >= 0 ? { since: lastSeq } : {};
    transmit(() => send("query_attach", { ...ofRun, ...rows, ...since }, framing), "sent");
  };

  const cancel = () => {
    if (phase === "over" || phase === "cancelling") return;
    const wasAsked = phase !== "unsent";
    phase = "cancelling";
    if (!wasAsked) fail(cancelledError(queryId, "requested"));
    else if (isReady()) askToCancel();
  };

  const askToCancel = () => void send("query_cancel", ofRun, framing);

  const ready = () => {
    if (phase === "unsent") ask();
    else if (phase === "detached") attach();
    else if (phase === "cancelling") askToCancel();
    else if (phase === "parked" && waitingRows <= bufferRows / 2) attach();
  };

  /** What the server sends from now on is passed over. */
  const park = () => {
    phase = "parked";
    credit = 0;
  };

  const again = (error: SparqlLiveError) => {
    phase = phase === "sent" && request !== null && lastProgress === 0 && lastSeq < 0 ? "unsent" : "detached";
    retryTimer = setTimeout(() => {
      if (isReady()) ready();
    }, error.details.retryAfterMs ?? CLIENT_LIMITS.refusedRetryMs);
  };

  const takeRows = ({ seq, rows, variables: named }: ServerPayloads["query_rows"]) => {
    if (onChunk === undefined || seq <= lastSeq) return;
    isBehind = phase === "parked" || seq > lastSeq + 1 || waitingRows >= bufferRows;
    if (isBehind) return waitingRows >= bufferRows ? park() : undefined;
    if (named !== undefined) variables = named;
    lastSeq = seq;
    credit -= rows.length;
    waitingRows += rows.length;
    if (!isAborted) onChunk({ seq, rows, variables });
  };

  const takeProgress = (progress: QueryProgress) => {
    // It is watched anew, and told again then.
    if (phase === "parked" || isUnwanted) return;
    if (progress.stage === "failed") return fail(failedError(progress));
    if (progress.stage === "parsing" && lastSeq < 0) isBehind = false;
    if (isBehind) return;
    // After a reconnection the stage is told again.
    if (progress.progress >= lastProgress) {
      lastProgress = progress.progress;
      if (!isAborted && onProgress !== undefined) callSafely(onProgress, progress);
    }
    if (progress.stage !== "completed") return;
    const told = result;
    if (told !== null) end(() => resolve(told));
  };

  const refused = (error: SparqlLiveError) => {
    if (phase === "cancelling") {
      const isOver = request !== null || error.code === "query_not_found";
      return fail(isOver ? cancelledError(queryId, "requested") : error);
    }
    if (isPassing(error) && phase !== "over") return again(error);
    // Nobody took its rows: they are still there, or the run says why not when it is asked again.
    const isStarved = error.code === "query_timeout" && onChunk !== undefined && credit <= 0;
    if (isStarved && waitingRows > 0) park();
    else if (error.code === "duplicate_query" && request !== null) {
      // Ids are our own: the server had got it before.
      phase = "detached";
      if (isReady()) attach();
    } else if (error.code === "query_not_found" && request !== null && lastSeq < 0 && phase === "sent") {
      phase = "unsent";
      if (isReady()) ask();
    } else fail(error);
  };

  return {
    queryId,
    isUnwanted,
    result: promise,
    over: over.promise,
    get position() {
      return phase === "unsent" || phase === "over" || isUnwanted ? null : lastSeq;
    },
    take(message) {
      if (phase === "over") return;
      switch (message.type) {
        case "query_progress":
          return takeProgress(message.payload);
        case "query_rows":
          return takeRows(message.payload);
        case "query_result":
          // As it was sent to the room before it was watched from here: it comes again as it is wanted.
          if (hasRowsElsewhere(message.payload, onChunk !== undefined)) isBehind = true;
          if (!isBehind) result = message.payload;
          return;
        case "query_cancelled":
          return fail(cancelledError(queryId, message.payload.reason));
        case "error_message":
        case "validation_error":
          return refused(errorOf(message.payload));
        default:
      }
    },
    refused,
    consumed(count) {
      waitingRows -= count;
      if (waitingRows + Math.max(0, credit) > bufferRows / 2 || phase === "over" || !isReady()) return;
      if (phase === "parked") return attach();
      const rows = bufferRows - waitingRows - Math.max(0, credit);
      if (phase === "sent" && send("query_credit", { ...ofRun, rows })) credit = Math.max(0, credit) + rows;
    },
    cancel() {
      cancel();
      return over.promise;
    },
    abort(error) {
      if (request === null) return fail(error);
      isAborted = true;
      reject(error);
      cancel();
    },
    ready,
    lost() {
      clearTimeout(retryTimer);
    },
    resumed(outcome) {
      if (phase !== "sent") return;
      if (outcome?.recovered === true && request !== null && firstCredit === bufferRows) {
        credit = bufferRows;
        return;
      }
      const code = outcome?.recovered === true ? undefined : outcome?.code;
      if (code === undefined || code === "too_many_queries") phase = "detached";
      else if (code !== "query_not_found") fail(lostError(queryId, code));
      else if (request !== null && lastSeq < 0) phase = "unsent";
      else fail(lostError(queryId, "query_lost"));
    },
    fail,
  };
}

function cancelledError(
  queryId: string,
  reason: MessageOf<"query_cancelled">["payload"]["reason"],
): SparqlLiveError {
  return new SparqlLiveError("query_cancelled", `The query was cancelled (${reason}).`, {
    queryId,
    detail: reason,
  });
}

function failedError({ query_id: queryId, message }: QueryProgress): SparqlLiveError {
  return new SparqlLiveError("internal_error", message, { queryId });
}

/** Whether its rows were sent in chunks to who wants them in the result, or the other way round. */
function hasRowsElsewhere({ results }: QueryResult, wantsChunks: boolean): boolean {
  if (results === null || results.boolean !== undefined || results.row_count === 0) return false;
  return (results.bindings.length === 0) !== wantsChunks;
}

function lostError(queryId: string, code: string): SparqlLiveError {
  const known = code === "query_expired" ? "query_expired" : "query_lost";
  return new SparqlLiveError(known, "The server does not have this query any more; send it again.", {
    queryId,
  });
}
