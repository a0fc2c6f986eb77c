export type StorageErrorCode =
  | "newer_version"
  | "not_ours"
  | "corrupt"
  | "in_use"
  | "unwritable"
  | "full"
  | "not_a_backup"
  | "damaged_backup";

/** A file that cannot be used as the store, or not any more. The message names it and says what to do. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;
  readonly path: string;
  /** What was found, in the words of the system. */
  readonly detail: string;

  constructor(code: StorageErrorCode, path: string, detail: string) {
    super(SENTENCES[code](path, detail));
    this.code = code;
    this.path = path;
    this.detail = detail;
  }
}

const SENTENCES = {
  newer_version: (path, detail) =>
    `The store ${path} was written by a newer version (${detail}). Use that version, or name another file with --store.`,
  not_ours: (path, detail) =>
    `${path} is no store of this program (${detail}). Name another file with --store.`,
  corrupt: (path, detail) =>
    `The store ${path} is damaged (${detail}). Put a backup in its place, or move it away to begin anew.`,
  not_a_backup: (path, detail) =>
    `${path} cannot be restored (${detail}). Name a file that \`sparql-live backup\` wrote.`,
  damaged_backup: (path, detail) => `The backup ${path} is damaged (${detail}). Use another one.`,
  in_use: (path) => `The store ${path} is in use by another process; end it or name another with --store.`,
  unwritable: (path, detail) =>
    `The store ${path} cannot be written (${detail}). Let this user write the file and its folder, or name another with --store.`,
  full: (path) =>
    `The store ${path} cannot be opened because its disk is full. Make space, or name another file with --store.`,
} as const satisfies Record<StorageErrorCode, (path: string, detail: string) => string>;

/** What SQLite says, as what it means for the file. */
export function toStorageError(error: unknown, path: string): StorageError {
  if (error instanceof StorageError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new StorageError(meaningOf(codeOf(error)), path, detail);
}

/** `SQLITE_…`, or that of the operating system; the empty string where there is none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

function meaningOf(code: string): StorageErrorCode {
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return "full";
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return "in_use";
  if (code === "SQLITE_NOTADB") return "not_ours";
  // A file that is shorter than it says ends a read early; a name that is not there any more is an SQLITE_ERROR.
  if (isCorruption(code) || code === "SQLITE_ERROR" || code.startsWith("SQLITE_CONSTRAINT")) return "corrupt";
  return "unwritable";
}

export function isCorruption(code: string): boolean {
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB" || code === "SQLITE_IOERR_SHORT_READ";
}
