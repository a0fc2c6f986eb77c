import { crc32 } from "node:zlib";
import Database from "libsql";
import { fromStored, toStored } from "./text.js";

type Value = string | number | null | Uint8Array;

/** Values in the order of the columns; read with `text`, `number` and their like. */
export type Row = readonly unknown[];

interface Statement {
  /** Returns how many rows were changed. */
  run(...values: Value[]): number;
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): readonly Row[];
}

/** A connection. Texts are bound as bytes, for columns of blobs. */
export interface Sql {
  exec(text: string): void;
  prepare(text: string): Statement;
  /** The first value of the first row. */
  pragma(text: string): unknown;
  readonly inTransaction: boolean;
  /** Statements keep the file open until they are collected, or their thread ends. */
  close(): void;
}

export function connect(path: string): Sql {
  const database = new Database(path);
  return {
    exec: (text) => void database.exec(text),
    prepare(text) {
      const statement = database.prepare<unknown[]>(text);
      // As arrays: rows that are objects have an additional member `_metadata`.
      const reader = /^\s*(select|pragma)/i.test(text) || /\breturning\b/i.test(text);
      if (reader) statement.raw();
      return {
        run: (...values) => statement.run(values.map(toBound)).changes,
        get(...values) {
          const row = statement.get(values.map(toBound));
          return Array.isArray(row) ? row : undefined;
        },
        all: (...values) => statement.all(values.map(toBound)).map((row) => (Array.isArray(row) ? row : [])),
      };
    },
    pragma(text) {
      const row = database.prepare(`PRAGMA ${text}`).raw().get();
      return Array.isArray(row) ? row[0] : undefined;
    },
    get inTransaction() {
      return database.inTransaction;
    },
    close: () => void database.close(),
  };
}

function toBound(value: Value): Value {
  return typeof value === "string" ? toStored(value) : value;
}

/** A row does not hold what was written to it. */
export class Damage extends Error {
  override readonly name = "Damage";
}

export function text(value: unknown): string {
  if (!Buffer.isBuffer(value)) throw new Damage("a text is not what it was");
  return fromStored(value);
}

export function number(value: unknown): number {
  if (typeof value !== "number") throw new Damage("a number is not what it was");
  return value;
}

export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Damage("bytes are not what they were");
  // A copy with a buffer of its own: what goes to another thread takes its whole buffer along.
  return new Uint8Array(value);
}

export function orNull<T>(read: (value: unknown) => T, value: unknown): T | null {
  return value === null ? null : read(value);
}

/** Of a row's values; SQLite itself does not notice when a bit of them flips. */
export function checksum(...values: readonly (string | number | null)[]): number {
  return crc32(values.join("\n"));
}

export function checksumOfBytes(data: Uint8Array, ...values: readonly number[]): number {
  return crc32(data, checksum(...values));
}

export function verify(stored: unknown, computed: number, what: string): void {
  if (stored !== computed) throw new Damage(`${what} is not what was written`);
}
