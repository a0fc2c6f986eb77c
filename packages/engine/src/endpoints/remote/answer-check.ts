import type { Completeness, PreparedQuery } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import { createGraphReader } from "./graph-reader.js";
import type { HttpResponse } from "./http-client.js";
import { type AnswerReader, createResultsReader } from "./results-reader.js";

const ACCEPT_RESULTS = "application/sparql-results+json, application/json;q=0.9";
const ACCEPT_GRAPH =
  "application/n-triples, text/turtle;q=0.9, application/x-turtle;q=0.8, text/rdf+n3;q=0.7, text/plain;q=0.5";

/** `text/plain` is what N-Triples were called before RDF 1.1, `text/rdf+n3` what old endpoints call Turtle. */
const GRAPH_FORMATS: ReadonlyMap<string, "N-Triples" | "Turtle"> = new Map([
  ["application/n-triples", "N-Triples"],
  ["text/plain", "N-Triples"],
  ["text/turtle", "Turtle"],
  ["application/turtle", "Turtle"],
  ["application/x-turtle", "Turtle"],
  ["text/rdf+n3", "Turtle"],
  ["text/n3", "Turtle"],
]);
const RESULT_TYPES: ReadonlySet<string> = new Set(["application/sparql-results+json", "application/json"]);

const MAX_ERROR_TEXT_BYTES = 8 * 1024;
const MAX_DETAIL_CHARACTERS = 500;
const MAX_RETRY_AFTER_MS = 3_600_000;

export function acceptHeader(form: PreparedQuery["form"]): string {
  return isGraph(form) ? ACCEPT_GRAPH : ACCEPT_RESULTS;
}

function isGraph(form: PreparedQuery["form"]): boolean {
  return form === "construct" || form === "describe";
}

/** The reader for a successful answer; throws `upstream_bad_response` for a content type that cannot be read. */
export function readerFor(response: HttpResponse, form: PreparedQuery["form"]): AnswerReader {
  const { type, charset } = parseContentType(response.header("content-type"));
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8" && charset !== "us-ascii") {
    throw new EngineFailure(
      "upstream_bad_response",
      `${response.url.host} answered in the character set ${charset}; SPARQL results are UTF-8.`,
    );
  }
  if (isGraph(form)) {
    const format = GRAPH_FORMATS.get(type ?? "application/n-triples");
    if (format !== undefined) return createGraphReader(format, response.url.href);
  } else if (type === undefined || RESULT_TYPES.has(type)) return createResultsReader();
  throw new EngineFailure(
    "upstream_bad_response",
    `${response.url.host} answered with ${type}, not with ${isGraph(form) ? "N-Triples or Turtle" : "SPARQL Query Results JSON"}.${hintFor(type)}`,
  );
}

function hintFor(type: string | undefined): string {
  if (type === "text/html") return " Is this the address of a web page, or of a login?";
  if (type?.endsWith("+xml")) return " Results in XML are not read.";
  return "";
}

function parseContentType(header: string | undefined): { type?: string; charset?: string } {
  if (header === undefined || header.trim() === "") return {};
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  return charset === undefined ? { type } : { type, charset: charset.replaceAll('"', "") };
}

/** Throws for an answer whose status is no success; reads the start of its text for that. */
export async function checkStatus(response: HttpResponse): Promise<void> {
  const { status, url } = response;
  if (status >= 200 && status < 300 && status !== 204) return;
  const text = await errorText(response);
  const detail = text === "" ? `HTTP ${status}` : `HTTP ${status}: ${text}`;
  if (status === 401 || status === 403 || status === 407) {
    throw new EngineFailure(
      "endpoint_forbidden",
      `${url.host} refuses the request (HTTP ${status}): it wants credentials, or others than it was given.`,
      { detail },
    );
  }
  if (status === 204) {
    throw new EngineFailure("upstream_bad_response", `${url.host} answered without content.`, { detail });
  }
  const retryAfterMs = parseRetryAfter(response.header("retry-after"));
  throw new EngineFailure(
    "upstream_error",
    status === 400 && text !== ""
      ? `${url.host} refuses the query: ${text}`
      : `${url.host} answered with HTTP ${status}.`,
    retryAfterMs === undefined ? { detail } : { detail, retryAfterMs },
  );
}

/** The start of what an error says, as one line of plain text; what cannot be read is left out. */
async function errorText(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of response.chunks()) {
      chunks.push(chunk);
      byteCount += chunk.length;
      if (byteCount >= MAX_ERROR_TEXT_BYTES) break;
    }
  } catch (error) {
    // The status says enough, unless it was the caller who stopped.
    if (!(error instanceof EngineFailure) || !error.code.startsWith("upstream_")) throw error;
  }
  const text = Buffer.concat(chunks).subarray(0, MAX_ERROR_TEXT_BYTES).toString("utf8");
  const html = response.header("content-type")?.includes("html") === true;
  return (html ? text.replace(/<(script|style)\b.*?<\/\1>/gis, " ").replace(/<[^>]*>/g, " ") : text)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, MAX_DETAIL_CHARACTERS);
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS);
}

/**
 * What the endpoint itself says of the completeness of an answer that came through whole. Virtuoso ends a query at its
 * time limit with 200 (newer versions: 206) and `X-SQL-State: S1TAT`, and tells of its row limit in `X-SPARQL-MaxRows`.
 */
export function statedCompleteness(response: HttpResponse, rowCount: number): Completeness {
  if (response.status === 206 || response.header("x-sql-state") === "S1TAT") {
    return { status: "partial", reason: "endpoint_timeout" };
  }
  const maxRows = response.header("x-sparql-maxrows");
  const fewer = maxRows !== undefined && /^\d+$/.test(maxRows.trim()) && rowCount < Number(maxRows);
  if (maxRows !== undefined && !fewer) return { status: "truncated", reason: "endpoint_row_limit" };
  return { status: "complete" };
}
