import { EngineFailure } from "../failure.js";

/** Statuses that lead elsewhere (RFC 9110, section 15.4). */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Where a redirect leads. Throws `upstream_error` for what is no address, and `address_forbidden` for one that is not
 * followed, wherever it is: of another scheme than http(s), with credentials in it, or from https: down to http:.
 */
export function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new EngineFailure("upstream_error", `${from.host} redirects to what is no address.`, {
      detail: location.slice(0, 200),
    });
  }
  const target = new URL(location, from);
  if (!isHttp(target)) {
    throw refused(from, `to an address of ${target.protocol} – only http: and https: are followed`);
  }
  if (target.username !== "" || target.password !== "") {
    throw refused(from, "to an address with credentials in it");
  }
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw refused(from, "from https: to http:, where everybody on the way could read along");
  }
  return target;
}

/** Throws `upstream_error` for a step that was taken before, and for one too many. `visited` is of the steps taken. */
export function checkStep(
  step: string,
  visited: ReadonlySet<string>,
  start: URL,
  maxRedirects: number,
): void {
  if (visited.has(step)) {
    throw new EngineFailure("upstream_error", `${start.host} redirects in a circle.`);
  }
  if (visited.size > maxRedirects) {
    throw new EngineFailure("upstream_error", `${start.host} redirects more than ${maxRedirects} times.`);
  }
}

export function isHttp(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}

function refused(from: URL, what: string): EngineFailure {
  return new EngineFailure("address_forbidden", `${from.host} redirects ${what}.`);
}
