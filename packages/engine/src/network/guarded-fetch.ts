import { Agent, fetch as send } from "undici";
import { EngineFailure } from "../failure.js";
import { LIMITS } from "../limits.js";
import { createGuardedConnector } from "./connector.js";
import { createNetworkGuard, type NetworkGuard } from "./guard.js";
import { checkStep, isHttp, REDIRECTS, redirectTarget } from "./redirects.js";

export interface GuardedFetchOptions {
  /** Default: the public internet alone. */
  readonly guard?: NetworkGuard;
  /** Addresses whose origins the operator named: they are asked wherever they are. Redirects elsewhere are checked. */
  readonly trustedUrls?: readonly string[];
  /** Default 10 000. The caller's signal is the deadline of the whole. */
  readonly connectTimeoutMs?: number;
}

export interface GuardedFetch extends AsyncDisposable {
  /**
   * The `fetch` of the web, for whatever is to be asked besides endpoints. Rejects with `address_forbidden`, else as
   * `fetch` does. GET and HEAD follow redirects; with another method a redirect rejects with `upstream_error`.
   */
  readonly fetch: typeof globalThis.fetch;
}

/** What may go along to another origin; all else may be a credential. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"]);

/** A `fetch` with its own connections, whose addresses are checked when they are made. Disposal closes them. */
export function createGuardedFetch({
  guard = createNetworkGuard(),
  trustedUrls = [],
  connectTimeoutMs = LIMITS.upstreamConnectTimeoutMs,
}: GuardedFetchOptions = {}): GuardedFetch {
  const trustedOrigins = trustedUrls.map((url) => new URL(url).origin);
  const agent = new Agent({ connect: createGuardedConnector({ guard, trustedOrigins, connectTimeoutMs }) });
  return {
    fetch: (input, init) => follow(agent, new Request(input, init)),
    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

async function follow(agent: Agent, request: Request): Promise<Response> {
  const start = new URL(request.url);
  if (!isHttp(start)) {
    throw new EngineFailure(
      "address_forbidden",
      `Only http: and https: addresses are asked, not ${start.protocol}`,
    );
  }
  const isRepeatable = request.method === "GET" || request.method === "HEAD";
  const visited = new Set<string>();
  let headers = [...request.headers];
  for (let url = start; ; ) {
    visited.add(url.href);
    const response = await sendOnce(agent, request, url, headers);
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null || request.redirect === "manual")
      return response;
    await response.body?.cancel();
    if (!isRepeatable || request.redirect === "error") {
      throw new EngineFailure("upstream_error", `${url.host} redirects, which is not followed here.`);
    }
    const target = redirectTarget(location, url);
    checkStep(target.href, visited, start, LIMITS.maxRedirects);
    if (target.origin !== url.origin) headers = headers.filter(([name]) => HARMLESS_HEADERS.has(name));
    url = target;
  }
}

async function sendOnce(
  dispatcher: Agent,
  { method, body, signal }: Request,
  url: URL,
  headers: [string, string][],
): Promise<Response> {
  try {
    return await send(url, {
      dispatcher,
      method,
      headers,
      signal,
      redirect: "manual",
      ...(body === null ? {} : { body, duplex: "half" }),
    });
  } catch (error) {
    if (error instanceof TypeError && error.cause instanceof EngineFailure) throw error.cause;
    throw error;
  }
}
