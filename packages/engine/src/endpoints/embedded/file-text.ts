import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { EngineFailure } from "../../failure.js";
import type { DataFile } from "./data-files.js";

const CHUNK_BYTES = 1024 * 1024;

/** Far more text than a store's 4 GiB of WebAssembly memory can take in as triples. */
const MAX_INFLATED_BYTES = 2 * 1024 * 1024 * 1024;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The decoded bytes of a data file, to be read once and synchronously, as the store's loader wants them. */
export interface FileText {
  readonly bytes: number;
  /** Must be `return()`ed by a reader that stops early. A byte order mark is left out. */
  readonly chunks: Generator<Buffer, void, undefined>;
}

/**
 * Plain files are read as they are consumed. Gzipped ones are inflated into memory first, because there is no
 * synchronous inflating stream; each chunk is let go as it is consumed. Throws `data_unreadable`.
 */
export async function openFileText(file: DataFile): Promise<FileText> {
  const { content } = file;
  if ("text" in content) {
    const whole = Buffer.from(content.text);
    return { bytes: whole.length, chunks: withoutMark(handOver([whole])) };
  }
  if (!file.gzip) return { bytes: file.bytes, chunks: withoutMark(readChunks(content.path)) };
  const inflated = await inflate(content.path);
  const bytes = inflated.reduce((sum, chunk) => sum + chunk.length, 0);
  return { bytes, chunks: withoutMark(handOver(inflated)) };
}

function* readChunks(path: string): Generator<Buffer, void, undefined> {
  const descriptor = openSync(path, "r");
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

function* handOver(chunks: Buffer[]): Generator<Buffer, void, undefined> {
  chunks.reverse();
  for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) yield chunk;
}

function* withoutMark(chunks: Generator<Buffer, void, undefined>): Generator<Buffer, void, undefined> {
  let first = true;
  for (const chunk of chunks) {
    const marked = first && chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    first = false;
    yield marked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk;
  }
}

async function inflate(path: string): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  await pipeline(createReadStream(path), gunzip, async (inflated: AsyncIterable<Buffer>) => {
    for await (const chunk of inflated) {
      bytes += chunk.length;
      if (bytes > MAX_INFLATED_BYTES) {
        throw new EngineFailure(
          "data_unreadable",
          `${path} inflates to more than ${MAX_INFLATED_BYTES} bytes. Unpack it: plain files are read bit by bit.`,
          { detail: path },
        );
      }
      chunks.push(chunk);
    }
  });
  return chunks;
}
