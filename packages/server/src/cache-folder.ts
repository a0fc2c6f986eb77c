import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where profiles are kept when nobody says otherwise: the user's cache folder
 * (`$XDG_CACHE_HOME`, else `~/.cache`: XDG Base Directory Specification 0.8).
 */
export function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return join(base, "sparql-live");
}
