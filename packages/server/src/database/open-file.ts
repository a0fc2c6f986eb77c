import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { BACKUP_ID } from "./backup-file.js";
import { APPLICATION_ID, MIGRATIONS } from "./schema.js";
import { connect, type Sql, text } from "./sql.js";
import { codeOf, StorageError, toStorageError } from "./storage-error.js";
import { isDamagedWal } from "./wal-file.js";

/** Pages that a restart of the write-ahead log leaves allocated. */
const MAX_IDLE_WAL_BYTES = 16 * 1024 * 1024;
const MIN_PAGE_BYTES = 512;

/**
 * Opens the file, or makes it; its folders are made with mode 0700, itself with 0600. From then on no other process
 * can open it. Throws `StorageError`.
 */
export function openFile(path: string): Sql {
  let created = false;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    created = createFile(path);
    const found = created ? null : checkFile(path);
    const sql = connect(path);
    lockAndCheck(sql, path, found);
    configure(sql);
    migrate(sql);
    return sql;
  } catch (error) {
    // Else an empty file would be left behind, and taken for one that was cut.
    if (created) rmSync(path, { force: true });
    throw toStorageError(error, path);
  }
}

/** A file that was there already. */
interface Found {
  readonly bytes: number;
  /** What was not carried over into it yet; while there is any, its own end may be unfinished. */
  readonly walBytes: number;
}

/** Whether it was not there. */
function createFile(path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** What SQLite would not say, or not in time: closing a connection already carries over what is left of a log. */
function checkFile(path: string): Found {
  const stats = statSync(path);
  if (!stats.isFile()) throw new StorageError("not_ours", path, "it is no file");
  accessSync(path, constants.R_OK | constants.W_OK);
  if (stats.size === 0) throw new StorageError("corrupt", path, "it is empty");
  const wal = readWal(path);
  if (!isDamagedWal(wal)) return { bytes: stats.size, walBytes: wal.byteLength };
  refuseWhileInUse(path);
  throw new StorageError("corrupt", path, "its write-ahead log was changed");
}

function readWal(path: string): Uint8Array {
  try {
    return readFileSync(`${path}-wal`);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return new Uint8Array();
    throw error;
  }
}

/** A log that is being written looks damaged. Opened for reading alone: closing that changes nothing. */
function refuseWhileInUse(path: string): void {
  const reader = connect(`${pathToFileURL(path).href}?mode=ro`);
  try {
    reader.pragma("user_version");
  } catch (error) {
    if (codeOf(error).startsWith("SQLITE_BUSY")) throw error;
  } finally {
    reader.close();
  }
}

function lockAndCheck(sql: Sql, path: string, found: Found | null): void {
  sql.pragma("locking_mode = EXCLUSIVE");
  const version = Number(sql.pragma("user_version"));
  const applicationId = Number(sql.pragma("application_id"));
  if (applicationId !== APPLICATION_ID) {
    const [tables] = sql.prepare("SELECT count(*) FROM sqlite_schema").get() ?? [];
    const isNew = applicationId === 0 && version === 0 && tables === 0;
    // SQLite takes a few bytes of whatever for nothing.
    if (isNew && (found === null || found.bytes >= MIN_PAGE_BYTES)) return;
    throw new StorageError("not_ours", path, isNew ? "it is too short" : strangerOf(applicationId));
  }
  if (version > MIGRATIONS.length) {
    throw new StorageError("newer_version", path, `format ${version}; this one knows ${MIGRATIONS.length}`);
  }
  if (found?.walBytes === 0 && found.bytes % Number(sql.pragma("page_size")) !== 0) {
    throw new StorageError("corrupt", path, "its length is not what it was");
  }
  // Unlike quick_check it also compares the indexes with their tables.
  const verdict = sql.prepare("SELECT CAST(integrity_check AS BLOB) FROM pragma_integrity_check(1)").get();
  if (text(verdict?.[0]) !== "ok") throw new StorageError("corrupt", path, text(verdict?.[0]));
  if (version < 1 || sql.pragma("encoding") !== "UTF-8") {
    throw new StorageError("corrupt", path, "its header was changed");
  }
}

function strangerOf(applicationId: number): string {
  return applicationId === BACKUP_ID
    ? "it is a backup; `sparql-live restore` makes a store of it"
    : "it is a database of another program";
}

function configure(sql: Sql): void {
  if (sql.pragma("journal_mode = WAL") !== "wal") throw new Error("it cannot have a write-ahead log");
  sql.exec(
    `PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA journal_size_limit = ${MAX_IDLE_WAL_BYTES}`,
  );
}

function migrate(sql: Sql): void {
  const version = Number(sql.pragma("user_version"));
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    sql.exec(
      `BEGIN IMMEDIATE; ${migration}; PRAGMA application_id = ${APPLICATION_ID};
       PRAGMA user_version = ${index + 1}; COMMIT`,
    );
  }
}
