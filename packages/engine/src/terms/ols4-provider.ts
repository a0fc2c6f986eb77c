import { checkStatus } from "../endpoints/remote/answer-check.js";
import { parseEndpointUrl } from "../endpoints/remote/endpoint-settings.js";
import { createHttpClient, type HttpClient, type HttpResponse } from "../endpoints/remote/http-client.js";
import { EngineFailure } from "../failure.js";
import type { NetworkGuard } from "../network/guard.js";
import type { TermProvider, TermQuery, TermSuggestion } from "../term-provider.js";
import { createTermCache } from "./term-cache.js";

export interface Ols4ProviderOptions {
  /** Default `ols4`. */
  readonly id?: string;
  /** Default `https://www.ebi.ac.uk/ols4`. */
  readonly baseUrl?: string;
  /** For the whole of one request. Default 1 500. */
  readonly timeoutMs?: number;
  /** Answers kept. Default 1 000, each for 10 minutes. */
  readonly cacheEntryCount?: number;
  readonly cacheTtlMs?: number;
  /** For redirects: the operator chose the address itself. Default: the public internet alone. */
  readonly guard?: NetworkGuard;
}

const FIELDS = "iri,label,description,synonym,ontology_name,short_form,obo_id,score";
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const MAX_ROWS = 100;
const MAX_SYNONYMS = 20;
const MAX_TEXT_CHARACTERS = 200;

/**
 * Terms from an Ontology Lookup Service, version 4: `GET {base}/api/search` for mode `search` and
 * `GET {base}/api/select` for `autocomplete`, as its version-1 API answers them
 * (`{response: {docs: [{iri, label, description[], synonym[], ontology_name, …}]}}`).
 *
 * `find` throws `upstream_timeout`, `upstream_error`, `upstream_bad_response`, `endpoint_unavailable`,
 * `address_forbidden` or `query_cancelled`; `bad_request` for an ontology that cannot be one.
 */
export function createOls4Provider({
  id = "ols4",
  baseUrl = "https://www.ebi.ac.uk/ols4",
  timeoutMs = 1_500,
  cacheEntryCount = 1_000,
  cacheTtlMs = 600_000,
  guard,
}: Ols4ProviderOptions = {}): TermProvider {
  const base = parseEndpointUrl(baseUrl);
  const client = createHttpClient({ trustedOrigin: base.origin, ...(guard === undefined ? {} : { guard }) });
  const cache = createTermCache<readonly TermSuggestion[]>(cacheEntryCount, cacheTtlMs);

  return {
    id,
    async find(query) {
      const url = requestUrl(base, query);
      if (url === null) return [];
      const cached = cache.get(url.href);
      if (cached !== undefined) return cached;
      const suggestions = await fetchSuggestions(client, url, query.signal, timeoutMs);
      cache.set(url.href, suggestions);
      return suggestions;
    },
    close: () => client.close(),
  };
}

/** `null` where the text has nothing that could be looked up. */
function requestUrl(base: URL, query: TermQuery): URL | null {
  const text = plainText(query.text);
  if (text === "") return null;
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}/api/${query.mode === "search" ? "search" : "select"}`;
  url.searchParams.set("q", text);
  url.searchParams.set("rows", String(Math.min(Math.max(1, query.limit), MAX_ROWS)));
  url.searchParams.set("fieldList", FIELDS);
  if (query.ontology !== undefined) url.searchParams.set("ontology", checkOntology(query.ontology));
  return url;
}

/**
 * The service hands the text to its search engine as a query, where operators would be syntax errors or worse.
 * Hyphens and colons inside a word stay: `trans-golgi`, `GO:0008150`.
 */
function plainText(text: string): string {
  return text
    .slice(0, MAX_TEXT_CHARACTERS)
    .replace(/[!(){}[\]^"~*?\\/&|<>\p{Cc}\s]+/gu, " ")
    .replace(/(?<=^| )[+\-: ]+|[+\-: ]+(?= |$)/g, " ")
    .replace(/\b(AND|OR|NOT)\b/g, (word) => word.toLowerCase())
    .replace(/ +/g, " ")
    .trim();
}

function checkOntology(ontology: string): string {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(ontology)) return ontology.toLowerCase();
  throw new EngineFailure(
    "bad_request",
    `${JSON.stringify(ontology.slice(0, 100))} is no name of an ontology.`,
  );
}

async function fetchSuggestions(
  client: HttpClient,
  url: URL,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<readonly TermSuggestion[]> {
  const deadline = new AbortController();
  const cancel = () => deadline.abort(new EngineFailure("query_cancelled", "The look-up was cancelled."));
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const timer = setTimeout(() => {
    deadline.abort(
      new EngineFailure("upstream_timeout", `${url.host} did not answer within ${timeoutMs} ms.`),
    );
  }, timeoutMs);
  try {
    deadline.signal.throwIfAborted();
    const headers = { accept: "application/json", "user-agent": "sparql-live" };
    const response = await client.open({
      url,
      method: "GET",
      headers,
      ownHeaders: {},
      signal: deadline.signal,
    });
    await checkStatus(response);
    return toSuggestions(await readJson(response), url);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
}

async function readJson(response: HttpResponse): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of response.chunks()) {
    byteCount += chunk.length;
    if (byteCount > MAX_BODY_BYTES) {
      throw badResponse(response.url, `its answer has more than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (cause) {
    throw badResponse(response.url, "its answer is no JSON", cause);
  }
}

function toSuggestions(body: unknown, url: URL): readonly TermSuggestion[] {
  const response = isRecord(body) ? body.response : undefined;
  const docs = isRecord(response) ? response.docs : undefined;
  if (!Array.isArray(docs)) throw badResponse(url, "its answer has no `response.docs`");
  const found = docs.filter(isRecord).filter((doc) => typeof doc.iri === "string");
  const scores = scoresOf(found);
  return found.map((doc, index) => ({
    iri: String(doc.iri),
    label: firstText(doc.label) ?? firstText(doc.short_form) ?? String(doc.iri),
    description: firstText(doc.description) ?? "",
    ontology: firstText(doc.ontology_name) ?? "",
    synonyms: texts(doc.synonym).slice(0, MAX_SYNONYMS),
    score: scores[index] ?? 0,
  }));
}

/** The service's own scores in proportion to the best; where it gives none (`select`), the place in its order. */
function scoresOf(docs: readonly Record<string, unknown>[]): readonly number[] {
  const scores = docs.map((doc) => doc.score);
  const numbers = scores.filter((score): score is number => typeof score === "number" && score > 0);
  const best = Math.max(...numbers);
  if (docs.length > 0 && numbers.length === docs.length) return numbers.map((score) => score / best);
  return docs.map((_doc, index) => 1 - index / docs.length);
}

function texts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function firstText(value: unknown): string | undefined {
  return texts(value).find((text) => text !== "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function badResponse(url: URL, reason: string, cause?: unknown): EngineFailure {
  return new EngineFailure(
    "upstream_bad_response",
    `${url.host} is no Ontology Lookup Service: ${reason}.`,
    cause === undefined ? {} : { cause },
  );
}
