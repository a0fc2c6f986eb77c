import type { SPARQLWebSocketClient } from "../client.js";
import { SparqlLiveError } from "../errors.js";
import type { QueryProgress, QueryResult, Row } from "../queries/run.js";
import type { QueryText, SendQueryOptions } from "../queries/runs.js";
import { createStore, type ReadableStore } from "../store.js";

export interface QueryView {
  readonly isLoading: boolean;
  /** The latest step; `null` before the first. */
  readonly progress: QueryProgress | null;
  /** Those that have come so far. */
  readonly rows: readonly Row[];
  /** The names of the columns, once they are known. */
  readonly variables: readonly string[];
  /** Everything but the rows, when the query is completed. */
  readonly result: QueryResult | null;
  /** Of the latest query; `null` for one that was cancelled here. */
  readonly error: SparqlLiveError | null;
}

export interface QueryStore extends ReadableStore<QueryView> {
  /** Takes the place of the query before. Settles with the result, or with `null` where there is none; never rejects. */
  execute(text: QueryText, options?: ExecuteOptions): Promise<QueryResult | null>;
  /** The same with a run of a room that was begun elsewhere, and that `cancel` does not end. */
  watch(queryId: string, roomId: string): Promise<QueryResult | null>;
  /** There is nothing to be shown, and why. */
  fail(error: SparqlLiveError): void;
  /** Ends the query; rows that have come stay. */
  cancel(): void;
  /** Somebody shows it. Returns the way to let go: that ends the query, and nothing is asked any more. */
  retain(): () => void;
}

export type ExecuteOptions = Omit<SendQueryOptions, "onProgress" | "onRows" | "signal">;

export const NO_QUERY: QueryView = {
  isLoading: false,
  progress: null,
  rows: [],
  variables: [],
  result: null,
  error: null,
};

/** Rows are shown at most so often; ever more of them less often, because each time the list is copied. */
const SHOWN_EVERY_MS = 16;
const ROWS_PER_FURTHER_MS = 500;
const SHOWN_AT_LEAST_EVERY_MS = 500;

type Following = Required<Pick<SendQueryOptions, "onProgress" | "onRows" | "signal">>;

/** One query at a time, as something to look at. */
export function createQueryStore(client: () => SPARQLWebSocketClient, initial = NO_QUERY): QueryStore {
  const view = createStore<QueryView>(initial);
  let current: AbortController | null = null;
  let usersCount = 0;
  let isGone = false;
  const cancel = () => current?.abort();

  const follow = async (begin: (following: Following) => Promise<QueryResult>) => {
    current?.abort();
    const own = new AbortController();
    current = own;
    const waiting: Row[] = [];
    let change: Partial<QueryView> = {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (last: Partial<QueryView> = {}) => {
      clearTimeout(timer);
      timer = undefined;
      // What is left of a query whose place was taken is not shown.
      if (current !== own) return;
      const before = view.getSnapshot();
      const rows = waiting.length === 0 ? before.rows : [...before.rows, ...waiting.splice(0)];
      view.set({ ...before, ...change, ...last, rows });
      change = {};
    };
    const showSoon = (next: Partial<QueryView>) => {
      change = { ...change, ...next };
      const delayMs = SHOWN_EVERY_MS + view.getSnapshot().rows.length / ROWS_PER_FURTHER_MS;
      timer ??= setTimeout(show, Math.min(delayMs, SHOWN_AT_LEAST_EVERY_MS));
    };

    view.set({ ...NO_QUERY, isLoading: true });
    try {
      const result = await begin({
        signal: own.signal,
        onProgress: (progress) => showSoon({ progress }),
        onRows(rows, { variables }) {
          for (const row of rows) waiting.push(row);
          showSoon({ variables });
        },
      });
      show({ isLoading: false, result, variables: result.results?.variables ?? [] });
      return result;
    } catch (error) {
      show({ isLoading: false, error: own.signal.aborted ? null : asError(error) });
      return null;
    } finally {
      if (current === own) current = null;
    }
  };

  return {
    getSnapshot: view.getSnapshot,
    subscribe: view.subscribe,
    async execute(text, options) {
      if (isGone) return null;
      return follow((following) => client().sendQuery(text, { ...options, ...following }));
    },
    watch: (queryId, roomId) =>
      follow((following) => client().attachQuery(queryId, { room_id: roomId, ...following })),
    fail: (error) => view.set({ ...NO_QUERY, error }),
    cancel,
    retain() {
      usersCount++;
      isGone = false;
      return () => {
        usersCount--;
        cancel();
        // Later: who goes may come back at once, as everybody does under StrictMode.
        setTimeout(() => {
          isGone = usersCount === 0;
        });
      };
    },
  };
}

function asError(error: unknown): SparqlLiveError {
  if (error instanceof SparqlLiveError) return error;
  return new SparqlLiveError("bad_request", "The query could not be sent.", { cause: error });
}
