import type { ClientPayloads, ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import { abortedError, abortOf, badRequest, SparqlLiveError } from "../errors.js";
import { isId, newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Send } from "../messages.js";
import { withResolvers } from "../waiting.js";
import { createRowStream, type RowStream } from "./row-stream.js";
import { type Chunk, createRun, type QueryProgress, type QueryResult, type Row, type Run } from "./run.js";

type Request = ClientPayloads["query_request"];

/** A question in plain language, or SPARQL. */
export type QueryText = string | { readonly sparql: string };

/** As in `query_request`; without `limit` as many rows as the server gives. */
export interface QueryOptions extends Omit<Request, "natural_language" | "sparql" | "stream" | "credit"> {
  /** Changes of stage, and how far it is: from 0 to 1, never back. */
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
  /** Cancels the query; the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface SendQueryOptions extends QueryOptions {
  /**
   * Takes the rows as they come, each once and in order; they do not stand in the result then. While a promise that it
   * returns is not settled, no more are asked for than the buffer holds; the result waits for it. Where it fails, so
   * does the query: `aborted`, with its error as the cause.
   */
  readonly onRows?: ((rows: readonly Row[], chunk: Chunk) => void | Promise<void>) | undefined;
}

export interface StreamOptions<T> extends QueryOptions {
  /** What becomes of each row, for example `rowValues` of `@sparql-live/client/terms`. */
  readonly mapRow?: ((row: Row) => T) | undefined;
  /** Rows that may wait for their reader. Default 1,000. */
  readonly bufferRows?: number | undefined;
}

export interface AttachOptions extends Pick<SendQueryOptions, "onProgress" | "onRows"> {
  /** Ends the watching, not the run; the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Of a run of a room. */
  readonly room_id?: string | undefined;
  /** The last chunk that is known already. */
  readonly since?: number | undefined;
}

/** The queries that were asked and are not over. */
export interface Runs {
  send(text: QueryText, options?: SendQueryOptions): Promise<QueryResult>;
  stream<T = Row>(text: QueryText, options?: StreamOptions<T>): RowStream<T>;
  attach(queryId: string, options?: AttachOptions): Promise<QueryResult>;
  /** One of these, or one that is none. Rejects with what the server answered, but for that it is over. */
  cancel(queryId: string, roomId?: string): Promise<void>;
  positions(): Record<string, number>;
  /** Whether the message was about one of these. */
  take(message: ServerMessage): boolean;
  lost(): void;
  resumed(outcomes: ServerPayloads["resumed"]["runs"]): void;
  ready(): void;
  failAll(error: SparqlLiveError): void;
}

export interface RunsOptions {
  readonly send: Send;
  readonly isReady: () => boolean;
  /** Not while the server is about to end. */
  readonly mayBegin: () => boolean;
  readonly maxRows: () => number;
  /** Why no query would be answered any more, where that is so. */
  readonly refusal: () => SparqlLiveError | null;
}

export function createRuns({ send, isReady, mayBegin, maxRows, refusal }: RunsOptions): Runs {
  const runs = new Map<string, Run>();
  /** Of completed runs whose rows are still being taken. */
  const readers = new Set<(error: SparqlLiveError) => void>();

  interface Beginning {
    readonly queryId: string;
    readonly request: Request | null;
    readonly roomId: string | undefined;
    readonly since?: number | undefined;
    readonly onChunk: ((chunk: Chunk) => void) | undefined;
    readonly onProgress: QueryOptions["onProgress"];
    readonly bufferRows?: number | undefined;
    readonly signal: AbortSignal | undefined;
    readonly isUnwanted?: boolean;
  }
  const begin = ({
    queryId,
    since = -1,
    bufferRows = CLIENT_LIMITS.bufferRows,
    signal,
    ...more
  }: Beginning): Run => {
    const abort = () => signal !== undefined && run.abort(abortedError(signal));
    let isBegun = false;
    const onOver = () => {
      if (!isBegun) return;
      runs.delete(queryId);
      signal?.removeEventListener("abort", abort);
    };
    const run = createRun({ ...more, queryId, since, bufferRows, send, maxRows, isReady, mayBegin, onOver });
    const tooMany = new SparqlLiveError("outbox_full", "Too many queries are under way.", { queryId });
    const refused =
      refusal() ??
      abortOf(signal) ??
      idRefusal(queryId) ??
      (bufferRows >= 1 ? null : badRequest("`bufferRows` has to be at least 1.")) ??
      (runs.size >= CLIENT_LIMITS.runsCount ? tooMany : null);
    if (refused !== null) {
      run.fail(refused);
      return run;
    }
    isBegun = true;
    runs.set(queryId, run);
    signal?.addEventListener("abort", abort);
    if (isReady()) run.ready();
    return run;
  };

  /** What is read by `onRows` is over when that is. */
  const read = (
    beginning: Omit<Beginning, "onChunk">,
    onRows: SendQueryOptions["onRows"],
  ): Promise<QueryResult> => {
    if (onRows === undefined) return begin({ ...beginning, onChunk: undefined }).result;
    const reader = createReader(onRows, () => run);
    const run = begin({ ...beginning, onChunk: reader.onChunk });
    const whole = run.result.then(async (result) => {
      const { promise: ended, reject } = withResolvers<never>();
      readers.add(reject);
      const over = refusal();
      if (over !== null) reject(over);
      await Promise.race([unlessAborted(reader.done(), beginning.signal), ended]).finally(() =>
        readers.delete(reject),
      );
      return result;
    });
    whole.catch(() => undefined);
    return whole;
  };

  const attach: Runs["attach"] = (queryId, options = {}) => {
    const { onProgress, onRows, signal, room_id: roomId, since } = options;
    const known = runs.get(queryId);
    if (known?.isUnwanted === false && onRows === undefined) return unlessAborted(known.result, signal);
    // A connection reads a run once. What was to be cancelled may have been over before.
    if (known !== undefined) return unlessAborted(known.over, signal).then(() => attach(queryId, options));
    return read({ queryId, request: null, roomId, since, onProgress, signal }, onRows);
  };

  return {
    send(text, { onProgress, onRows, signal, ...more } = {}) {
      const request = requestOf(text, more);
      return read({ queryId: newId(), request, roomId: more.room_id, onProgress, signal }, onRows);
    },
    stream<T = Row>(
      text: QueryText,
      { onProgress, mapRow, bufferRows, signal, ...more }: StreamOptions<T> = {},
    ) {
      // Without a function `T` is the type of the row itself.
      const map = mapRow ?? ((row: Row) => row as T);
      const { stream, onChunk } = createRowStream(map, () => run);
      const request = requestOf(text, more);
      const run = begin({
        queryId: newId(),
        request,
        roomId: more.room_id,
        onChunk,
        onProgress,
        bufferRows,
        signal,
      });
      return stream;
    },
    attach,
    async cancel(queryId, roomId) {
      const known = runs.get(queryId);
      if (known !== undefined) return known.cancel();
      const nothing = { since: undefined, onChunk: undefined, onProgress: undefined, signal: undefined };
      const run = begin({ ...nothing, queryId, request: null, roomId, isUnwanted: true });
      await run.result.catch((error: SparqlLiveError) => {
        if (error.code !== "query_cancelled") throw error;
      });
    },
    positions() {
      const positions: Record<string, number> = {};
      for (const [id, { position }] of runs) {
        // Ids of attached runs are a peer's choice.
        if (position !== null) Object.defineProperty(positions, id, { value: position, enumerable: true });
      }
      return positions;
    },
    take(message) {
      const { payload } = message;
      const isError = message.type === "error_message" || message.type === "validation_error";
      const named = "query_id" in payload ? payload.query_id : undefined;
      const run = runs.get(named ?? (isError ? message.correlation_id : undefined) ?? "");
      run?.take(message);
      return run !== undefined;
    },
    lost() {
      for (const run of runs.values()) run.lost();
    },
    resumed(outcomes) {
      for (const [id, run] of [...runs]) run.resumed(Object.hasOwn(outcomes, id) ? outcomes[id] : undefined);
    },
    ready() {
      for (const run of [...runs.values()]) run.ready();
    },
    failAll(error) {
      for (const run of [...runs.values()]) run.fail(error);
      for (const reject of readers) reject(error);
    },
  };
}

/** The server could not tell what it refuses. */
function idRefusal(queryId: string): SparqlLiveError | null {
  if (isId(queryId)) return null;
  return new SparqlLiveError("query_not_found", "No query has such an id.", { queryId });
}

function requestOf(text: QueryText, more: Request): Request {
  if (typeof text === "string") return { ...more, natural_language: text };
  if (typeof text?.sparql === "string") return { ...more, sparql: text.sparql };
  throw new TypeError("Ask a question, which is a string, or a query: { sparql: string }.");
}

/** Says that rows were read when whoever takes them has. An error of it fails the query. */
function createReader(onRows: NonNullable<SendQueryOptions["onRows"]>, runOf: () => Run) {
  let reading: Promise<void> = Promise.resolve();
  const failed = (cause: unknown) => {
    const error = new SparqlLiveError("aborted", "The reader of the rows failed.", { cause });
    runOf().abort(error);
    return error;
  };
  const onChunk = (chunk: Chunk) => {
    const consumed = () => runOf().consumed(chunk.rows.length);
    try {
      const done = onRows(chunk.rows, chunk);
      // Arrow functions return what they like.
      if (!(done instanceof Object && "then" in done)) return consumed();
      const read = done.then(consumed, (cause: unknown) => {
        throw failed(cause);
      });
      reading = Promise.all([reading, read]).then(() => undefined);
      reading.catch(() => undefined);
    } catch (error) {
      failed(error);
    }
  };
  return { onChunk, done: () => reading };
}

/** What another reads goes on when this one does not want it any more. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortedError(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
