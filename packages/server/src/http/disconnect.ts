import type { FastifyReply } from "fastify";

/**
 * Aborted when the client hangs up before it has the whole answer. (The `close` of a request tells less: Node also
 * emits it when the body of a POST was read to its end.)
 */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}
