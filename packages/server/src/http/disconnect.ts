import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply } from "fastify";

/**
 * Lets every answer know when its connection is gone. Node tells it the one whose turn it is: those of further requests
 * that came behind it (pipelining) would wait for ever, and what works for them with them.
 */
export function mountLostAnswers(app: FastifyInstance): void {
  const answers = new WeakMap<Socket, Set<ServerResponse>>();

  const answersOf = (socket: Socket): Set<ServerResponse> => {
    const known = answers.get(socket);
    if (known !== undefined) return known;
    const waiting = new Set<ServerResponse>();
    answers.set(socket, waiting);
    socket.once("close", () => {
      for (const answer of waiting) if (answer.socket === null) lose(answer);
    });
    return waiting;
  };

  app.addHook("onRequest", async (request, reply) => {
    const waiting = answersOf(request.raw.socket);
    waiting.add(reply.raw);
    reply.raw.once("close", () => waiting.delete(reply.raw));
  });
}

function lose(answer: ServerResponse): void {
  answer.destroy();
  answer.emit("close");
}

/** Calls `listener` when the answer went out whole, or its connection is gone: at once, where it went before. */
export function onAnswerOver({ raw }: FastifyReply, listener: () => void): void {
  if (raw.destroyed) listener();
  else raw.once("close", listener);
}

/**
 * Aborted when the client hangs up before it has the whole answer. (The `close` of a request tells less: Node also
 * emits it when the body of a POST was read to its end.)
 */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  onAnswerOver(reply, () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}
