import { EngineFailure } from "../../failure.js";

/** The machine-readable code of an error of undici, zlib or the system, or the empty string. */
function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried: the aggregate's own message is empty.
  if (error instanceof AggregateError) return [...new Set(error.errors.map(messageOf))].join("; ");
  // The system's message goes on with the address that the name resolved to, which is not for everybody.
  if ("syscall" in error && "code" in error) return `${error.syscall} ${error.code}`;
  return error.message;
}

/** Of undici's HTTP parser: not all of them have a code. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === "HTTPParserError";
}

/** What kept the endpoint from answering at all. */
export function connectionFailure(error: unknown, url: URL): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const code = codeOf(error);
  if (code === "UND_ERR_CONNECT_TIMEOUT") {
    return new EngineFailure("upstream_timeout", `No connection to ${url.host} could be made in time.`, {
      cause: error,
    });
  }
  if (isParserError(error) || code === "UND_ERR_HEADERS_OVERFLOW") {
    return new EngineFailure(
      "upstream_bad_response",
      `What ${url.host} answered is no HTTP: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return new EngineFailure("endpoint_unavailable", `${url.host} cannot be reached: ${messageOf(error)}.`, {
    detail: code,
    cause: error,
  });
}

/** What went wrong while the body of an answer was read. */
export function bodyFailure(error: unknown, url: URL): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const code = codeOf(error);
  const malformed = isParserError(error) || code.startsWith("Z_") || code.startsWith("ERR__ERROR_FORMAT");
  // `Z_BUF_ERROR`: the compressed data ended too soon.
  if (malformed && code !== "Z_BUF_ERROR") {
    return new EngineFailure(
      "upstream_bad_response",
      `The body that ${url.host} sent cannot be decoded: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return new EngineFailure(
    "upstream_truncated",
    `The answer of ${url.host} broke off: ${messageOf(error)}. What came before is not the whole result.`,
    { detail: code, cause: error },
  );
}

/** Whether the connection was closed by the other side, before an answer or within one. */
export function isClosedByPeer(error: unknown): boolean {
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error));
}
