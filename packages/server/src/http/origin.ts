/**
 * Whether a browser's page may open a WebSocket here. A browser always says where the page is from and lets every
 * page connect to every server, so the server must refuse (cross-site WebSocket hijacking, RFC 6455 section 10.2).
 * Without an `Origin` it is no browser.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  let parsed: URL;
  try {
    parsed = new URL(origin);
  } catch {
    // `null` (a sandboxed page, a file) is no URL either.
    return false;
  }
  return (parsed.protocol === "http:" || parsed.protocol === "https:") && parsed.host === host;
}
