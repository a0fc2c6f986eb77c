import { validateHeaderName, validateHeaderValue } from "node:http";
import { EngineFailure } from "../../failure.js";

/** Throws `bad_request` for what is no URL, `endpoint_forbidden` for one that may not be asked. */
export function parseEndpointUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new EngineFailure("bad_request", `${JSON.stringify(text.slice(0, 200))} is no URL of an endpoint.`);
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new EngineFailure(
      "endpoint_forbidden",
      `An endpoint's URL begins with http: or https:, not ${url.protocol}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new EngineFailure(
      "endpoint_forbidden",
      `The URL of ${url.host} has credentials in it; give them as a header instead.`,
    );
  }
  url.hash = "";
  return url;
}

/** Headers that would break the framing of the request, or are the client's own business. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** The headers with their names in lower case; throws `bad_request` for those that cannot be sent. */
export function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const checked = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (cause) {
      throw new EngineFailure("bad_request", `The header ${JSON.stringify(name)} cannot be sent.`, { cause });
    }
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      throw new EngineFailure(
        "bad_request",
        `The header ${JSON.stringify(name)} may not be set for an endpoint.`,
      );
    }
    checked.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(checked);
}
