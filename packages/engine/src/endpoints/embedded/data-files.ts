import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EngineFailure } from "../../failure.js";
import { type DataFormat, dataFormatOf, knownExtensions } from "./formats.js";

/** A file or folder, or a text in memory. */
export type DataSource =
  | { readonly path: string }
  | {
      /** Stands in messages and progress where a path would. */
      readonly name: string;
      readonly text: string;
      readonly format: DataFormat;
      /** For relative IRIs; without it they are an error. A file's base is its own `file:` address. */
      readonly baseIri?: string;
    };

/** One thing to load, with its format known. */
export interface DataFile {
  readonly name: string;
  /** As stored: of a gzipped file the compressed bytes. */
  readonly bytes: number;
  readonly format: DataFormat;
  readonly gzip: boolean;
  readonly baseIri: string | undefined;
  readonly content: { readonly path: string } | { readonly text: string };
}

const MAX_FOLDER_DEPTH = 32;

/**
 * The files behind the sources, in the order of the sources; within a folder by name (code units), folders included
 * where their names stand. Hidden entries, unknown extensions and links to folders are left out of folders; a file
 * that is named itself must be readable. Throws `data_unreadable`.
 */
export async function listDataFiles(sources: readonly DataSource[]): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const source of sources) {
    if ("path" in source) files.push(...(await filesAt(resolve(source.path))));
    else files.push(fromText(source));
  }
  return files;
}

function fromText(source: Exclude<DataSource, { path: string }>): DataFile {
  const { name, text, format, baseIri } = source;
  return { name, bytes: Buffer.byteLength(text), format, gzip: false, baseIri, content: { text } };
}

async function filesAt(path: string): Promise<readonly DataFile[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadablePath(path, cause);
  });
  if (!found.isDirectory()) {
    const file = fileOf(path, found.size);
    if (file !== undefined) return [file];
    throw new EngineFailure(
      "data_unreadable",
      `The format of ${path} is not known by its extension. Known are ${knownExtensions()}, each also with .gz.`,
      { detail: path },
    );
  }
  const files = await filesUnder(path, 0);
  if (files.length > 0) return files;
  throw new EngineFailure(
    "data_unreadable",
    `The folder ${path} holds no file to load. Known extensions are ${knownExtensions()}, each also with .gz.`,
    { detail: path },
  );
}

async function filesUnder(folder: string, depth: number): Promise<readonly DataFile[]> {
  if (depth > MAX_FOLDER_DEPTH) {
    throw new EngineFailure("data_unreadable", `Folders are nested more than ${MAX_FOLDER_DEPTH} deep.`, {
      detail: folder,
    });
  }
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadablePath(folder, cause);
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: DataFile[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      files.push(...(await filesUnder(path, depth + 1)));
    } else if (dataFormatOf(path) !== undefined) {
      const found = await stat(path).catch((cause: unknown) => {
        throw unreadablePath(path, cause);
      });
      const file = found.isFile() ? fileOf(path, found.size) : undefined;
      if (file !== undefined) files.push(file);
    }
  }
  return files;
}

function fileOf(path: string, bytes: number): DataFile | undefined {
  const known = dataFormatOf(path);
  if (known === undefined) return undefined;
  return { name: path, bytes, ...known, baseIri: pathToFileURL(path).href, content: { path } };
}

function unreadablePath(path: string, cause: unknown): EngineFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EngineFailure("data_unreadable", `${path} cannot be read: ${reason}.`, { detail: path, cause });
}
