import { parse } from "oxigraph";
import { EngineFailure, type FailurePlace } from "../../failure.js";
import type { DataFile } from "./data-files.js";
import { openFileText } from "./file-text.js";

/** A line of this length or more is not searched for the column: the search feeds it byte by byte. */
const MAX_SEARCHED_LINE_BYTES = 256 * 1024;

/**
 * Why a file could not be loaded, with its place. Where the parser's message has no position (RDF/XML, and errors
 * in what a JSON-LD text means), the file is parsed again and fed line by line, then the last line byte by byte:
 * the parser fails as soon as it has read the fault.
 */
export async function parseFailure(
  file: DataFile,
  cause: unknown,
  linesBefore: number,
): Promise<EngineFailure> {
  if (cause instanceof EngineFailure) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Error && "syscall" in cause) return unreadableFile(file, message, undefined, cause);
  if (isTrap(cause)) {
    const reason = "the store failed while loading it, most likely because its 4 GiB of memory are full";
    return unreadableFile(file, reason, undefined, cause);
  }
  const told = /line (\d+) (?:between )?columns? (\d+)/.exec(message);
  const place =
    told === null ? await findPlace(file) : { line: Number(told[1]) + linesBefore, column: Number(told[2]) };
  return unreadableFile(file, explain(message), place, cause);
}

export function unreadableFile(
  file: DataFile,
  reason: string,
  place?: FailurePlace,
  cause?: unknown,
): EngineFailure {
  const where = place === undefined ? "" : `, line ${place.line}, column ${place.column}`;
  return new EngineFailure("data_unreadable", `${file.name}${where}: ${reason}.`, {
    detail: file.name,
    ...(place === undefined ? {} : { place }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A fault inside the WebAssembly code (out of memory, a panic). The store is not to be used any more. */
export function isTrap(error: unknown): boolean {
  return error instanceof Error && (error.name === "RuntimeError" || error instanceof RangeError);
}

function explain(message: string): string {
  if (message.includes("LoadDocumentCallback")) {
    return "it refers to a JSON-LD context on the network, which is not fetched; write the context into the file";
  }
  return message.replace(/^Parser error (?:at|between) .*?: /, "").replace(/\.$/, "");
}

async function findPlace(file: DataFile): Promise<FailurePlace | undefined> {
  let line = 0;
  let faulty: Buffer = Buffer.alloc(0);
  const failed = await fails(file, function* (lines) {
    for (const text of lines) {
      line += 1;
      faulty = text;
      yield text;
    }
  });
  if (!failed) return undefined;
  if (faulty.length >= MAX_SEARCHED_LINE_BYTES) return { line, column: 1 };
  let fed = 0;
  await fails(file, function* (lines) {
    let current = 0;
    for (const text of lines) {
      current += 1;
      if (current < line) {
        yield text;
        continue;
      }
      for (fed = 1; fed <= text.length; fed += 1) yield text.subarray(fed - 1, fed);
    }
  });
  return { line, column: Math.max(1, faulty.subarray(0, fed).toString().length) };
}

async function fails(file: DataFile, feed: (lines: Iterable<Buffer>) => Iterable<Buffer>): Promise<boolean> {
  const { chunks } = await openFileText(file);
  try {
    const options = {
      format: file.format,
      ...(file.baseIri === undefined ? {} : { base_iri: file.baseIri }),
    };
    for (const _quad of parse(feed(linesOf(chunks)), options));
    return false;
  } catch {
    return true;
  } finally {
    chunks.return();
  }
}

/** Each line with its line feed. */
export function* linesOf(chunks: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  let rest: Buffer[] = [];
  for (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end + 1)]);
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
