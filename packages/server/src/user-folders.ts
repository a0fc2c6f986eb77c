import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where profiles are kept when nobody says otherwise: the user's cache folder
 * (`$XDG_CACHE_HOME`, else `~/.cache`: XDG Base Directory Specification 0.8).
 */
export function defaultCacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sparql-live");
}

/** Where rooms are kept when nobody says otherwise: the user's data folder (`$XDG_DATA_HOME`, else `~/.local/share`). */
export function defaultStorePath(): string {
  return join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "sparql-live", "store.db");
}
