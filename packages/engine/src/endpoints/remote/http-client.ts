import { Agent, type Dispatcher } from "undici";
import { LIMITS } from "../../limits.js";
import { createGuardedConnector } from "../../network/connector.js";
import { createNetworkGuard, type NetworkGuard } from "../../network/guard.js";
import { checkStep, REDIRECTS, redirectTarget } from "../../network/redirects.js";
import { ACCEPTED_CODINGS, decodedChunks } from "./http-body.js";
import { connectionFailure, isClosedByPeer } from "./http-failures.js";

export interface HttpClientOptions {
  /** Which addresses may be asked. Default: those of the public internet. */
  readonly guard?: NetworkGuard;
  /** An origin that the operator named: it is asked wherever it is. `null`: none. */
  readonly trustedOrigin: string | null;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** To one origin; more requests wait. Default 8. */
  readonly maxConnections?: number;
}

interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` and to no other; not any more after a redirect elsewhere, even one that leads back. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  /** A form, URL-encoded; sent with POST only. */
  readonly form?: string;
  /** Its reason should be an `EngineFailure`. Aborting closes the connection, also while the body is read. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  header(name: string): string | undefined;
  /** The decoded body. Not pulled, it is not read from the socket; ended early, the connection is closed. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Closes the connection if the body was not read to its end. */
  discard(): void;
}

export interface HttpClient {
  /** Throws `EngineFailure`, or the signal's reason. Redirects are followed; other statuses are not judged. */
  open(request: HttpRequest): Promise<HttpResponse>;
  /** Closes all connections, those in use included. */
  close(): Promise<void>;
}

type SendRequest = (options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;

const KEEP_ALIVE_MS = 4_000;

/** An HTTP client for endpoints that may misbehave in any way; it has its own connections. */
export function createHttpClient({
  guard = createNetworkGuard(),
  trustedOrigin,
  connectTimeoutMs = LIMITS.upstreamConnectTimeoutMs,
  maxConnections = 8,
}: HttpClientOptions): HttpClient {
  const agent = new Agent({
    connect: createGuardedConnector({
      guard,
      trustedOrigins: trustedOrigin === null ? [] : [trustedOrigin],
      connectTimeoutMs,
    }),
    connections: maxConnections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The caller's signal is the deadline: it knows which time counts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let connectionCount = 0;
  agent.on("connect", () => {
    connectionCount += 1;
  });
  /**
   * A kept connection may have been closed by the other side just when it is used again. Where no new connection was
   * made for a request and it failed like that, it is sent once more: a query is safe to repeat.
   */
  const request: SendRequest = async (options) => {
    const before = connectionCount;
    try {
      return await agent.request(options);
    } catch (error) {
      if (!isClosedByPeer(error) || connectionCount !== before) throw error;
      return await agent.request(options);
    }
  };
  return {
    open: (httpRequest) => follow(request, httpRequest),
    close: () => agent.destroy(),
  };
}

/**
 * Follows redirects by hand: each target is checked, and the caller's own headers stay with their origin.
 * 303 asks with GET; the others repeat the request as it was, since a SPARQL query is safe to repeat (RFC 9110,
 * section 15.4, lets clients keep the method at 301 and 302).
 */
async function follow(sendRequest: SendRequest, start: HttpRequest): Promise<HttpResponse> {
  const visited = new Set<string>();
  let request = start;
  for (;;) {
    visited.add(`${request.method} ${request.url.href}`);
    const response = await send(sendRequest, request);
    const location = response.header("location");
    if (!REDIRECTS.has(response.status) || location === undefined) return response;
    response.discard();
    const url = redirectTarget(location, request.url);
    const method = response.status === 303 ? "GET" : request.method;
    checkStep(`${method} ${url.href}`, visited, start.url, LIMITS.maxRedirects);
    const ownHeaders = url.origin === request.url.origin ? request.ownHeaders : {};
    request = { ...request, url, method, ownHeaders };
  }
}

async function send(sendRequest: SendRequest, request: HttpRequest): Promise<HttpResponse> {
  const { url, method } = request;
  const form = method === "POST" ? request.form : undefined;
  const options: Dispatcher.RequestOptions = {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: {
      ...request.headers,
      ...request.ownHeaders,
      "accept-encoding": ACCEPTED_CODINGS,
      ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
    },
    ...(form === undefined ? {} : { body: form }),
    signal: request.signal,
  };
  try {
    return toResponse(await sendRequest(options), url);
  } catch (error) {
    request.signal.throwIfAborted();
    throw connectionFailure(error, url);
  }
}

function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData, url: URL): HttpResponse {
  // The body may fail (or be cancelled) at a time when nobody reads it; its reader sees the error all the same.
  body.on("error", () => undefined);
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  return {
    status: statusCode,
    url,
    header,
    chunks: () => decodedChunks(body, header("content-encoding"), url),
    discard: () => body.destroy(),
  };
}
