import { Agent, type Dispatcher } from "undici";
import { EngineFailure } from "../../failure.js";
import { LIMITS } from "../../limits.js";
import { type AddressCheck, createGuardedConnector } from "./address-guard.js";
import { ACCEPTED_CODINGS, decodedChunks } from "./http-body.js";
import { connectionFailure, isClosedByPeer } from "./http-failures.js";

export interface HttpClientOptions {
  /** Absent: any address may be asked. */
  readonly checkAddress?: AddressCheck;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** To one origin; more requests wait. Default 8. */
  readonly maxConnections?: number;
}

interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` and to no other, so never along with a redirect elsewhere. */
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

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const KEEP_ALIVE_MS = 4_000;

/** An HTTP client for endpoints that may misbehave in any way; it has its own connections. */
export function createHttpClient({
  checkAddress,
  connectTimeoutMs = LIMITS.upstreamConnectTimeoutMs,
  maxConnections = 8,
}: HttpClientOptions = {}): HttpClient {
  const agent = new Agent({
    connect: createGuardedConnector(checkAddress, connectTimeoutMs),
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
async function follow(sendRequest: SendRequest, request: HttpRequest): Promise<HttpResponse> {
  const visited = new Set<string>();
  let { url, method } = request;
  for (;;) {
    visited.add(`${method} ${url.href}`);
    const response = await send(sendRequest, request, url, method);
    const location = response.header("location");
    if (!REDIRECTS.has(response.status) || location === undefined) return response;
    response.discard();
    url = redirectTarget(location, url);
    if (response.status === 303) method = "GET";
    if (visited.has(`${method} ${url.href}`)) {
      throw new EngineFailure(
        "upstream_error",
        `${request.url.host} redirects in a circle, through ${url.href}.`,
      );
    }
    if (visited.size > LIMITS.maxRedirects) {
      throw new EngineFailure(
        "upstream_error",
        `${request.url.host} redirects more than ${LIMITS.maxRedirects} times.`,
      );
    }
  }
}

function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new EngineFailure("upstream_error", `${from.host} redirects to what is no address.`, {
      detail: location.slice(0, 200),
    });
  }
  const target = new URL(location, from);
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw new EngineFailure(
      "endpoint_forbidden",
      `${from.host} redirects to an address of ${target.protocol} – only http: and https: are followed.`,
    );
  }
  if (target.username !== "" || target.password !== "") {
    throw new EngineFailure(
      "endpoint_forbidden",
      `${from.host} redirects to an address with credentials in it.`,
    );
  }
  return target;
}

async function send(
  sendRequest: SendRequest,
  request: HttpRequest,
  url: URL,
  method: "GET" | "POST",
): Promise<HttpResponse> {
  const form = method === "POST" ? request.form : undefined;
  const options: Dispatcher.RequestOptions = {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: {
      ...request.headers,
      ...(url.origin === request.url.origin ? request.ownHeaders : {}),
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
