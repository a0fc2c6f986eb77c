import { closeSync, fsyncSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { renewEpochs } from "./log-rows.js";
import { APPLICATION_ID, MIGRATIONS } from "./schema.js";
import { connect, type Sql, text } from "./sql.js";
import { StorageError, toStorageError } from "./storage-error.js";

/** "SPLB": a backup is opened as a store only once it was restored, so that its logs have other epochs then. */
export const BACKUP_ID = 0x53504c42;

/**
 * Writes all that is committed into a file of its own, which is empty or not there, and makes it durable. No
 * transaction may be under way. Throws what SQLite throws.
 */
export function writeBackup(sql: Sql, path: string): void {
  sql.exec(`VACUUM INTO '${path.replaceAll("'", "''")}'`);
  const copy = connect(path);
  try {
    copy.exec(`PRAGMA application_id = ${BACKUP_ID}`);
  } finally {
    copy.close();
  }
  flush(path);
}

/** Throws `StorageError` where it is no whole backup that this version can read. */
export function checkBackup(path: string): void {
  try {
    const reader = connect(`${pathToFileURL(path).href}?mode=ro`);
    try {
      check(reader, path);
    } finally {
      reader.close();
    }
  } catch (error) {
    throw toStorageError(error, path);
  }
}

/**
 * Makes a store of a copy of a backup: every log gets another epoch, so that whoever knows a place in one learns that
 * what came after the backup is lost. Throws `StorageError`.
 */
export function makeStoreOf(path: string): void {
  try {
    const sql = connect(path);
    try {
      check(sql, path);
      sql.exec("BEGIN IMMEDIATE");
      renewEpochs(sql);
      sql.exec(`PRAGMA application_id = ${APPLICATION_ID}; COMMIT`);
    } finally {
      sql.close();
    }
    flush(path);
  } catch (error) {
    throw toStorageError(error, path);
  }
}

function check(sql: Sql, path: string): void {
  const applicationId = Number(sql.pragma("application_id"));
  if (applicationId !== BACKUP_ID) {
    const what = applicationId === APPLICATION_ID ? "it is a store, not a backup of one" : "it is no backup";
    throw new StorageError("not_a_backup", path, what);
  }
  const version = Number(sql.pragma("user_version"));
  if (version > MIGRATIONS.length) {
    throw new StorageError("newer_version", path, `format ${version}; this one knows ${MIGRATIONS.length}`);
  }
  const verdict = sql.prepare("SELECT CAST(integrity_check AS BLOB) FROM pragma_integrity_check(1)").get();
  if (text(verdict?.[0]) !== "ok" || version < 1) {
    throw new StorageError("damaged_backup", path, text(verdict?.[0]));
  }
}

function flush(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
