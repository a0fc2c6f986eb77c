import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where profiles are kept when nobody says otherwise: the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`). */
export function defaultCacheFolder(): string {
  return join(userFolder("XDG_CACHE_HOME", ".cache"), "sparql-live");
}

/** Where rooms are kept when nobody says otherwise: the user's data folder (`$XDG_DATA_HOME`, else `~/.local/share`). */
export function defaultStorePath(): string {
  return join(userFolder("XDG_DATA_HOME", join(".local", "share")), "sparql-live", "store.db");
}

/** XDG Base Directory Specification 0.8: what is empty counts as unset, and a path that is not absolute is ignored. */
function userFolder(variable: "XDG_CACHE_HOME" | "XDG_DATA_HOME", otherwise: string): string {
  const path = process.env[variable] ?? "";
  return isAbsolute(path) ? path : join(homedir(), otherwise);
}
