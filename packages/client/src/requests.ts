import type {
  ClientMessageType,
  ClientPayloads,
  ServerMessage,
  ServerMessageType,
} from "@sparql-live/protocol";
import { abortOf, errorOf, isPassing, SparqlLiveError } from "./errors.js";
import { newId } from "./ids.js";
import { CLIENT_LIMITS } from "./limits.js";
import type { MessageOf, Send } from "./messages.js";
import { type WaitOptions, withinTime, withResolvers } from "./waiting.js";

/** Requests that are answered by one message; safe to send again, and sent again after a reconnection. */
export interface Requests {
  /** Rejects with what the server answered, `timeout`, `aborted`, or `connection_closed`. */
  send<T extends ClientMessageType, R extends ServerMessageType>(
    type: T,
    payload: ClientPayloads[T],
    expected: R,
    options?: WaitOptions,
  ): Promise<MessageOf<R>>;
  /** Whether the message was the answer to one. */
  take(message: ServerMessage): boolean;
  /** The connection is ready (again). */
  flush(): void;
  lost(): void;
  rejectAll(error: SparqlLiveError): void;
}

interface Pending {
  readonly expected: ServerMessageType;
  readonly transmit: () => boolean;
  isSent: boolean;
  retryTimer?: ReturnType<typeof setTimeout>;
  readonly resolve: (message: ServerMessage) => void;
  readonly reject: (error: SparqlLiveError) => void;
}

/** `refusal`: why nothing would be answered any more, where that is so. */
export function createRequests(
  send: Send,
  isReady: () => boolean,
  refusal: () => SparqlLiveError | null,
): Requests {
  const pending = new Map<string, Pending>();

  const transmit = (request: Pending) => {
    try {
      request.isSent = request.transmit();
    } catch (error) {
      // Only what is too large throws.
      request.reject(error as SparqlLiveError);
    }
  };

  return {
    send<T extends ClientMessageType, R extends ServerMessageType>(
      type: T,
      payload: ClientPayloads[T],
      expected: R,
      { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs }: WaitOptions = {},
    ) {
      const over = refusal() ?? abortOf(signal);
      if (over !== null) return Promise.reject(over);
      if (pending.size >= CLIENT_LIMITS.pendingRequestsCount) {
        return Promise.reject(new SparqlLiveError("outbox_full", "Too many requests wait for an answer."));
      }
      const id = newId();
      const { promise: answer, resolve, reject } = withResolvers<ServerMessage>();
      // `take` compared the type.
      const settled = withinTime(answer, { signal, timeoutMs }, `No answer to ${type} came in time.`).finally(
        () => {
          clearTimeout(request.retryTimer);
          pending.delete(id);
        },
      ) as Promise<MessageOf<R>>;
      const transmitOnce = () => send(type, payload, { message_id: id });
      const request: Pending = { expected, transmit: transmitOnce, isSent: false, resolve, reject };
      pending.set(id, request);
      if (isReady()) transmit(request);
      return settled;
    },
    take(message) {
      const request = pending.get(message.correlation_id ?? "");
      if (request === undefined) return false;
      if (message.type === request.expected) request.resolve(message);
      else if (message.type === "error_message" || message.type === "validation_error") {
        const error = errorOf(message.payload);
        if (!isPassing(error)) request.reject(error);
        else {
          request.retryTimer = setTimeout(() => {
            if (isReady() && pending.get(message.correlation_id ?? "") === request) transmit(request);
          }, error.details.retryAfterMs ?? CLIENT_LIMITS.refusedRetryMs);
        }
      } else return false;
      return true;
    },
    flush() {
      for (const request of pending.values()) if (!request.isSent) transmit(request);
    },
    lost() {
      for (const request of pending.values()) request.isSent = false;
    },
    rejectAll(error) {
      for (const request of pending.values()) request.reject(error);
    },
  };
}
