import { ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyRequest } from "fastify";

/** The address of this server as its client names it. Throws `bad_request` where that is none. */
export function baseOf(request: FastifyRequest): URL {
  try {
    return new URL(`${request.protocol}://${request.host}`);
  } catch {
    throw new ProtocolFailure("bad_request", "The Host header is no host name.");
  }
}
