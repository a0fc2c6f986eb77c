import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { EngineFailure } from "../../failure.js";
import { bodyFailure } from "./http-failures.js";

/** `deflate` is decoded where it comes unasked, but not asked for: servers disagree on what it is. */
export const ACCEPTED_CODINGS = "gzip, br";

const DECODED_CHUNK_BYTES = 64 * 1024;

/**
 * The body of an answer, its content coding undone (RFC 9110, section 8.4.1). Only what is pulled is decoded, so a
 * small body that unpacks to gigabytes costs no memory; how much is enough is for the reader to say.
 * Throws `upstream_truncated` where it breaks off and `upstream_bad_response` where it cannot be decoded; the reason
 * of an aborted request passes through.
 */
export async function* decodedChunks(
  body: Readable,
  coding: string | undefined,
  url: URL,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createDecoder(coding, url);
  // `pipeline` destroys both when one fails; the error reaches the reader through the last stream.
  const source: Readable = decoder === undefined ? body : pipeline(body, decoder, () => undefined);
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    throw bodyFailure(error, url);
  } finally {
    body.destroy();
  }
}

function createDecoder(coding: string | undefined, url: URL) {
  const options = { chunkSize: DECODED_CHUNK_BYTES };
  switch (coding?.trim().toLowerCase()) {
    case undefined:
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return createGunzip(options);
    case "deflate":
      return createInflate(options);
    case "br":
      return createBrotliDecompress(options);
    default:
      throw new EngineFailure(
        "upstream_bad_response",
        `${url.host} answered with the content coding ${JSON.stringify(coding)}, which was not asked for.`,
      );
  }
}
