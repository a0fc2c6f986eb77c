import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SchemaProfile } from "../profile.js";

/** Of the form of the file. A file of another form is not found, and so made again. */
const FORM = 1;
const PROFILE_VERSION: SchemaProfile["version"] = 1;

/** Profiles on disk, one file for each endpoint. */
export interface ProfileCache {
  /** The kept profile of this state of the data; `null` when there is none, or none that can be read. */
  load(endpointId: string, fingerprint: string): Promise<SchemaProfile | null>;
  /** The kept profile of whatever state of the data. */
  loadAny(endpointId: string): Promise<SchemaProfile | null>;
  /** Replaces the endpoint's kept profile. A crash leaves either the old one or the new one. */
  save(profile: SchemaProfile): Promise<void>;
}

export interface ProfileCacheOptions {
  /** Default 256 MiB. Files longest unused go first. */
  readonly maxTotalBytes?: number;
}

/** A cache in this folder, which is made when something is saved. Files that are damaged or foreign are ignored. */
export function createProfileCache(
  folder: string,
  { maxTotalBytes = 256 * 1024 * 1024 }: ProfileCacheOptions = {},
): ProfileCache {
  const fileOf = (endpointId: string) => join(folder, `${hash(endpointId).slice(0, 32)}.profile.json`);

  const loadAny = async (endpointId: string): Promise<SchemaProfile | null> => {
    const file = fileOf(endpointId);
    const text = await readIfThere(file);
    const profile = text === null ? null : parse(text);
    if (profile === null || profile.endpointId !== endpointId) return null;
    const now = new Date();
    await utimes(file, now, now).catch(ignoreMissing);
    return profile;
  };

  return {
    loadAny,
    async load(endpointId, fingerprint) {
      const profile = await loadAny(endpointId);
      return profile?.fingerprint === fingerprint ? profile : null;
    },
    async save(profile) {
      await mkdir(folder, { recursive: true });
      const body = JSON.stringify(profile);
      const temporary = join(folder, `${randomUUID()}.tmp`);
      try {
        // The digest finds every damage, a file cut in the middle of a number included.
        await writeFile(temporary, `${FORM} ${hash(body)}\n${body}\n`, { mode: 0o600 });
        await rename(temporary, fileOf(profile.endpointId));
      } finally {
        await rm(temporary, { force: true });
      }
      await trim(folder, maxTotalBytes, fileOf(profile.endpointId));
    },
  };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    // A cache that cannot be read is an empty one: the profile is made again.
    ignoreUnreadable(error);
    return null;
  }
}

function ignoreUnreadable(error: unknown): void {
  if (!(error instanceof Error && "code" in error)) throw error;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

function parse(text: string): SchemaProfile | null {
  const lineEnd = text.indexOf("\n");
  const body = text.slice(lineEnd + 1).trimEnd();
  if (lineEnd < 0 || text.slice(0, lineEnd) !== `${FORM} ${hash(body)}`) return null;
  // Only `save` writes a body with the digest of the body before it.
  const profile = JSON.parse(body) as SchemaProfile;
  return profile.version === PROFILE_VERSION ? profile : null;
}

/** Removes what is longest unused until the rest fits; what was just saved always stays. */
async function trim(folder: string, maxTotalBytes: number, saved: string): Promise<void> {
  const files: { path: string; bytes: number; usedAt: number }[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".profile.json")) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(ignoreMissing);
    if (info) files.push({ path, bytes: info.size, usedAt: path === saved ? Infinity : info.mtimeMs });
  }
  files.sort((a, b) => (a.usedAt === b.usedAt ? 0 : b.usedAt - a.usedAt));
  let total = 0;
  for (const { path, bytes } of files) {
    total += bytes;
    if (path !== saved && total > maxTotalBytes) await rm(path, { force: true });
  }
}
