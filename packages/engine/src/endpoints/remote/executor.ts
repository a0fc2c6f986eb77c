import type {
  Completeness,
  ExecuteOptions,
  ExecutionEvent,
  Executor,
  PreparedQuery,
} from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import { LIMITS } from "../../limits.js";
import type { NetworkGuard } from "../../network/guard.js";
import { createWorkingClock, type WorkingClock } from "../../working-clock.js";
import { acceptHeader, checkStatus, readerFor, statedCompleteness } from "./answer-check.js";
import { checkHeaders, parseEndpointUrl } from "./endpoint-settings.js";
import { createHttpClient, type HttpClient, type HttpResponse } from "./http-client.js";
import { createResultGate } from "./result-gate.js";
import { createSlots } from "./slots.js";

export interface RemoteExecutorOptions {
  /** `http:` or `https:`, without credentials in it. */
  readonly url: string;
  /** Sent with every request to the origin of `url`, and never to another. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which addresses may be asked. Default: those of the public internet. */
  readonly guard?: NetworkGuard;
  /**
   * Whether the operator named the endpoint: then its origin is asked wherever it is, and only redirects elsewhere are
   * checked. `false` for addresses that a caller named. Default `true`.
   */
  readonly isTrusted?: boolean;
  /** Decoded bytes of one answer. Default 64 MiB. */
  readonly maxUpstreamBytes?: number;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Queries at a time. Default 8. */
  readonly maxConcurrentQueries?: number;
  /** More than these wait for a slot. Default 64. */
  readonly maxWaitingQueries?: number;
  /**
   * Name of the parameter in which the endpoint takes its time limit in milliseconds (Virtuoso: `timeout`).
   * It is sent a little less than the query's own limit, so that the endpoint answers with what it has. Default: none.
   */
  readonly timeoutParameter?: string;
}

interface Remote {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: HttpClient;
  readonly maxUpstreamBytes: number;
  readonly timeoutParameter: string | undefined;
  /** The endpoint refused POST once. */
  getOnly: boolean;
}

/** The share of the query's time that the endpoint is told. */
const ENDPOINT_TIME_SHARE = 0.9;
/** Servers and proxies cut longer request lines. */
const MAX_GET_URL_BYTES = 8_000;

/**
 * An `Executor` over the SPARQL 1.1 Protocol (W3C Recommendation, section 2.1): POST with a form, GET where the
 * endpoint knows no POST. Rows are read as they arrive; while nobody pulls, the socket is not read.
 *
 * Throws `bad_request` or `endpoint_forbidden` for a URL or headers that cannot be used. Executing throws
 * `endpoint_unavailable`, `endpoint_forbidden`, `address_forbidden`, `upstream_timeout`, `upstream_error`,
 * `upstream_truncated`, `upstream_bad_response`, `too_many_queries` and `query_cancelled`.
 */
export function createRemoteExecutor(options: RemoteExecutorOptions): Executor {
  const { maxConcurrentQueries = 8, maxWaitingQueries = 64, isTrusted = true } = options;
  const url = parseEndpointUrl(options.url);
  const remote: Remote = {
    url,
    headers: checkHeaders(options.headers ?? {}),
    client: createHttpClient({
      maxConnections: maxConcurrentQueries,
      trustedOrigin: isTrusted ? url.origin : null,
      ...(options.guard === undefined ? {} : { guard: options.guard }),
      ...(options.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: options.connectTimeoutMs }),
    }),
    maxUpstreamBytes: options.maxUpstreamBytes ?? LIMITS.maxUpstreamBytes,
    timeoutParameter: options.timeoutParameter,
    getOnly: false,
  };
  const slots = createSlots(maxConcurrentQueries, maxWaitingQueries);
  const closing = new AbortController();

  return {
    async *execute(query, executeOptions) {
      const running = new AbortController();
      const stop = linkAbort(running, [
        [closing.signal, () => new EngineFailure("endpoint_unavailable", "The endpoint was closed.")],
        [executeOptions.signal, () => new EngineFailure("query_cancelled", "The query was cancelled.")],
      ]);
      const clock = createWorkingClock(executeOptions.timeoutMs, () =>
        running.abort(timeoutFailure(remote.url, executeOptions.timeoutMs)),
      );
      try {
        running.signal.throwIfAborted();
        using ticket = slots.enqueue();
        for (let position = ticket.position(); position > 0; position = ticket.position()) {
          yield { kind: "queued", position };
          if (ticket.position() === position) await ticket.changed(running.signal);
        }
        yield* onClock(clock, running.signal, answer(remote, query, executeOptions, running.signal));
      } catch (error) {
        // Whatever broke because we stopped it: the reason for stopping is the failure.
        throw running.signal.aborted ? running.signal.reason : error;
      } finally {
        clock[Symbol.dispose]();
        stop();
        running.abort(new EngineFailure("query_cancelled", "The result was not wanted any more."));
      }
    },
    async close() {
      closing.abort();
      await remote.client.close();
    },
  };
}

/** Lets the clock run only while the next event is worked on, and stops at an abort even when rows are at hand. */
async function* onClock(
  clock: WorkingClock,
  signal: AbortSignal,
  events: AsyncGenerator<ExecutionEvent, void, undefined>,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  try {
    for (;;) {
      signal.throwIfAborted();
      clock.start();
      const next = await events.next();
      clock.pause();
      if (next.done === true) return;
      signal.throwIfAborted();
      yield next.value;
    }
  } finally {
    await events.return();
  }
}

async function* answer(
  remote: Remote,
  query: PreparedQuery,
  options: ExecuteOptions,
  signal: AbortSignal,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  yield { kind: "started" };
  const response = await ask(remote, query, options, signal);
  try {
    await checkStatus(response);
    yield* readAnswer(response, query, options, remote.maxUpstreamBytes);
  } finally {
    response.discard();
  }
}

async function* readAnswer(
  response: HttpResponse,
  query: PreparedQuery,
  options: ExecuteOptions,
  maxUpstreamBytes: number,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  const reader = readerFor(response, query.form);
  const gate = createResultGate(query, options);
  let byteCount = 0;
  for await (const chunk of response.chunks()) {
    byteCount += chunk.length;
    if (byteCount > maxUpstreamBytes) break;
    for (const event of reader.read(chunk)) yield* gate.accept(event);
    if (gate.cut() !== null) break;
  }
  const overflow = byteCount > maxUpstreamBytes;
  if (overflow && !reader.begun()) {
    throw new EngineFailure(
      "upstream_bad_response",
      `${response.url.host} sent more than ${maxUpstreamBytes} bytes, and no result in them.`,
    );
  }
  if (!overflow && gate.cut() === null) {
    for (const event of reader.end()) yield* gate.accept(event);
  }
  yield* gate.finish();
  const cut = gate.cut() ?? (overflow ? "byte_limit" : null);
  const completeness: Completeness =
    cut === null ? statedCompleteness(response, gate.rowCount()) : { status: "truncated", reason: cut };
  yield { kind: "end", completeness };
}

/** Sends the query; the status of the answer is not judged here, but that POST is not allowed. */
async function ask(
  remote: Remote,
  query: PreparedQuery,
  { timeoutMs, traceparent }: ExecuteOptions,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const parameters = new URLSearchParams({ query: query.text });
  if (remote.timeoutParameter !== undefined) {
    parameters.set(remote.timeoutParameter, String(Math.floor(timeoutMs * ENDPOINT_TIME_SHARE)));
  }
  const form = parameters.toString();
  const headers = {
    accept: acceptHeader(query.form),
    "user-agent": "sparql-live",
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  const request = { url: remote.url, headers, ownHeaders: remote.headers, signal };
  const getUrl = new URL(remote.url);
  getUrl.search = getUrl.search === "" ? form : `${getUrl.search.slice(1)}&${form}`;

  if (!remote.getOnly) {
    const response = await remote.client.open({ ...request, method: "POST", form });
    const postRefused = response.status === 405 || response.status === 415;
    if (!postRefused || getUrl.href.length > MAX_GET_URL_BYTES) return response;
    response.discard();
  }
  const response = await remote.client.open({ ...request, url: getUrl, method: "GET" });
  if (response.status === 200) remote.getOnly = true;
  return response;
}

/** Aborts `target` with a failure when one of the sources aborts; returns the unlinking. */
function linkAbort(
  target: AbortController,
  sources: readonly (readonly [AbortSignal, () => EngineFailure])[],
): () => void {
  const links = sources.map(([source, failure]) => {
    const abort = () => target.abort(failure());
    if (source.aborted) abort();
    else source.addEventListener("abort", abort, { once: true });
    return () => source.removeEventListener("abort", abort);
  });
  return () => {
    for (const unlink of links) unlink();
  };
}

function timeoutFailure(url: URL, timeoutMs: number): EngineFailure {
  return new EngineFailure(
    "upstream_timeout",
    `${url.host} did not finish within ${timeoutMs} ms. Ask for less, or allow more time.`,
  );
}
