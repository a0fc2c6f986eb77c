import type { SparqlLiveError } from "../errors.js";
import type { Chunk, QueryResult, Row, Run } from "./run.js";

/**
 * The rows of a query, one after the other, at the pace of who reads them: no more than the buffer and one chunk wait
 * here, and the endpoint is not read on while they do. Leaving the loop cancels the query.
 */
export interface RowStream<T> extends AsyncIterableIterator<T, undefined> {
  readonly queryId: string;
  /** The names of the columns, once the first rows came. */
  readonly variables: readonly string[];
  /** Rows that wait for their reader. */
  readonly bufferedCount: number;
  /** Everything but the rows. Settles with the end of the query, which the rows may not have been read up to. */
  readonly result: Promise<QueryResult>;
  cancel(): Promise<void>;
}

export interface RowStreamParts<T> {
  readonly stream: RowStream<T>;
  readonly onChunk: (chunk: Chunk) => void;
}

/** `mapRow`: what becomes of each row before it is handed out. */
export function createRowStream<T>(mapRow: (row: Row) => T, runOf: () => Run): RowStreamParts<T> {
  const waiting: (readonly Row[])[] = [];
  let at = 0;
  let bufferedCount = 0;
  let variables: readonly string[] = [];
  let end: { readonly error: SparqlLiveError | null } | null = null;
  let isLeft = false;
  let wake: (() => void)[] = [];

  const notify = () => {
    for (const resume of wake) resume();
    wake = [];
  };
  const take = (): Row | undefined => {
    const chunk = waiting[0];
    const row = chunk?.[at];
    if (chunk === undefined || row === undefined) return undefined;
    if (++at === chunk.length) {
      waiting.shift();
      at = 0;
    }
    bufferedCount--;
    runOf().consumed(1);
    return row;
  };
  /** A loop does not say that it is left where what it asked for was rejected. */
  const mapped = (row: Row): T => {
    let isMapped = false;
    try {
      const value = mapRow(row);
      isMapped = true;
      return value;
    } finally {
      if (!isMapped) leave().catch(() => undefined);
    }
  };
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    for (;;) {
      watch();
      const row = isLeft ? undefined : take();
      if (row !== undefined) return { done: false, value: mapped(row) };
      if (isLeft || end !== null) break;
      await new Promise<void>((resolve) => wake.push(resolve));
    }
    const error = isLeft ? null : end?.error;
    isLeft = true;
    if (error) throw error;
    return { done: true, value: undefined };
  };
  const leave = () => {
    isLeft = true;
    waiting.length = 0;
    bufferedCount = 0;
    notify();
    return runOf().cancel();
  };
  let isWatched = false;
  const watch = () => {
    if (isWatched) return;
    isWatched = true;
    const over = (error: SparqlLiveError | null) => {
      end = { error };
      if (error?.code === "aborted") waiting.length = 0;
      notify();
    };
    runOf().result.then(() => over(null), over);
  };

  const stream: RowStream<T> = {
    get queryId() {
      return runOf().queryId;
    },
    get variables() {
      return variables;
    },
    get bufferedCount() {
      return bufferedCount;
    },
    get result() {
      return runOf().result;
    },
    cancel: leave,
    next,
    async return() {
      leave().catch(() => undefined);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return {
    stream,
    onChunk(chunk) {
      if (isLeft) return;
      variables = chunk.variables;
      if (chunk.rows.length === 0) return;
      waiting.push(chunk.rows);
      bufferedCount += chunk.rows.length;
      notify();
    },
  };
}
