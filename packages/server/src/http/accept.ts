import { ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyRequest } from "fastify";

/** What a document can be answered as: the media types that name it, the proper one first. */
export interface Representation<F extends string> {
  readonly format: F;
  readonly mediaTypes: readonly string[];
  /** Of the content type, such as `charset=utf-8`. */
  readonly parameters: string | null;
}

export interface Chosen<F extends string> {
  readonly format: F;
  /** One that the client accepts, as it stands in the answer. */
  readonly contentType: string;
}

/** Thrown where none of the representations is acceptable; answered with 406 and the list. */
export class NotAcceptable extends Error {
  override readonly name = "NotAcceptable";
  readonly mediaTypes: readonly string[];

  constructor(mediaTypes: readonly string[]) {
    super(`None of the accepted media types can be had. There are: ${mediaTypes.join(", ")}.`);
    this.mediaTypes = mediaTypes;
  }
}

/** Chooses by `Accept` and its weights (RFC 9110, section 12.5.1); equal weights: the first representation. */
export function negotiate<F extends string>(
  request: FastifyRequest,
  representations: readonly Representation<F>[],
): Chosen<F> {
  const offered = representations.flatMap(({ mediaTypes }) => mediaTypes);
  const accepted = request.accepts().type(offered);
  const mediaType = Array.isArray(accepted) ? accepted[0] : accepted;
  const found = representations.find(({ mediaTypes }) => mediaTypes.some((name) => name === mediaType));
  if (found === undefined || typeof mediaType !== "string") {
    throw new NotAcceptable(representations.flatMap(({ mediaTypes }) => mediaTypes.slice(0, 1)));
  }
  return {
    format: found.format,
    contentType: found.parameters === null ? mediaType : `${mediaType}; ${found.parameters}`,
  };
}

/** A header that may be given once. Throws `bad_request`. */
export function singleHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value))
    throw new ProtocolFailure("bad_request", `The header ${name} is given several times.`);
  return value;
}
