import { SERVER_LIMITS } from "../limits.js";

/** What is needed of `fetch`: an application may hand in one that refuses addresses. */
export type Fetch = (
  url: string,
  init: {
    readonly signal: AbortSignal;
    readonly redirect: "error";
    readonly headers: Record<string, string>;
  },
) => Promise<Response>;

/** An object of JSON at an address: bounded in bytes and time, without redirects. Throws an `Error`. */
export async function fetchJsonObject(url: string, fetch: Fetch): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(SERVER_LIMITS.keyFetchTimeoutMs),
    redirect: "error",
    headers: { accept: "application/json" },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered with status ${response.status}`);
  }
  return parseJsonObject(await boundedText(response, url), url);
}

/** Throws an `Error`. `source` is for its words. */
export function parseJsonObject(text: string, source: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${source} holds no JSON object`);
  }
  return { ...value };
}

async function boundedText({ body }: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > SERVER_LIMITS.maxKeyDocumentBytes) throw new Error(`${url} answered with too many bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
