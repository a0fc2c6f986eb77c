import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";

/** What is to be called when a socket closes; one listener of it for however many requests that it carries. */
const watched = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `then` once when no more of an answer can be sent: it was, or the client hung up. The answers to requests that
 * were sent behind each other wait for their turn, and Node tells nothing to one that waits when its socket closes.
 * (The `close` of a request tells less: Node also emits it when the body of a POST was read to its end.)
 */
export function onceOver(
  { raw: { socket } }: FastifyRequest,
  { raw: answer }: FastifyReply,
  then: () => void,
): void {
  // While it was looked at who asks, for example.
  if (socket.destroyed) {
    then();
    return;
  }
  const waiting = watched.get(socket) ?? watch(socket);
  const over = () => {
    if (!waiting.delete(over)) return;
    answer.off("close", over);
    then();
  };
  waiting.add(over);
  answer.once("close", over);
}

/** Aborted when the client hangs up before it has the whole answer. */
export function disconnectSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  onceOver(request, reply, () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}

function watch(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>();
  watched.set(socket, waiting);
  socket.once("close", () => {
    for (const over of [...waiting]) over();
  });
  return waiting;
}
