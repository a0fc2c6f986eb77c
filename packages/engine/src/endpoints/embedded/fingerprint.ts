import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type DataSource, listDataFiles } from "./data-files.js";

/**
 * SHA-256 (hex) over what would be loaded: for each file in loading order its base address, format, and content.
 * Content rather than modification times, because packages and containers are unpacked with constant times; the
 * address, because relative IRIs in the data resolve against it. Reads everything once, in small steps (about
 * 1 s per gigabyte). Throws `data_unreadable`.
 */
export async function fingerprintOf(sources: readonly DataSource[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of await listDataFiles(sources)) {
    hash.update(JSON.stringify([file.baseIri ?? null, file.format, file.gzip, file.bytes]));
    if ("text" in file.content) hash.update(file.content.text);
    else for await (const chunk of createReadStream(file.content.path)) hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
