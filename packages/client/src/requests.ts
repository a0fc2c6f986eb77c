import type {
  ClientMessageType,
  ClientPayloads,
  ServerMessage,
  ServerMessageType,
} from "@sparql-live/protocol";
import { abortedError, abortOf, errorOf, isPassing, SparqlLiveError } from "./errors.js";
import { newId } from "./ids.js";
import { CLIENT_LIMITS } from "./limits.js";
import type { MessageOf, Send } from "./messages.js";
import { startTimer } from "./timers.js";

export interface WaitOptions {
  /** Gives up waiting: the promise rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** The promise rejects with `timeout` after so many milliseconds; 0: never. */
  readonly timeoutMs?: number | undefined;
}

/** Requests that are answered by one message; safe to send again, and sent again after a reconnection. */
export interface Requests {
  /** Rejects with what the server answered, `timeout`, `aborted`, or `connection_closed`. */
  send<T extends ClientMessageType, R extends ServerMessageType>(
    type: T,
    payload: ClientPayloads[T],
    expected: R,
    options?: WaitOptions,
    /** Default: one of its own. */
    id?: string,
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
      id: string = newId(),
    ) {
      const over = refusal() ?? abortOf(signal);
      if (over !== null) return Promise.reject(over);
      if (pending.size >= CLIENT_LIMITS.pendingRequestsCount) {
        return Promise.reject(new SparqlLiveError("outbox_full", "Too many requests wait for an answer."));
      }
      const answer = new Promise<ServerMessage>((resolve, reject) => {
        const request: Pending = {
          expected,
          transmit: () => send(type, payload, { message_id: id }),
          isSent: false,
          resolve,
          reject,
        };
        pending.set(id, request);
        if (isReady()) transmit(request);
      });
      const settled = withinTime(answer, { signal, timeoutMs }, `No answer to ${type} came in time.`);
      // `take` compared the type.
      return settled.finally(() => {
        clearTimeout(pending.get(id)?.retryTimer);
        pending.delete(id);
      }) as Promise<MessageOf<R>>;
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

/** The same promise, but for what the signal and the time say. */
export function withinTime<T>(
  promise: Promise<T>,
  { signal, timeoutMs = 0 }: WaitOptions,
  lateMessage: string,
): Promise<T> {
  if (signal === undefined && timeoutMs === 0) return promise;
  const refused = abortOf(signal);
  if (refused !== null) {
    promise.catch(() => undefined);
    return Promise.reject(refused);
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => signal !== undefined && settle(() => reject(abortedError(signal)));
    const late = () => settle(() => reject(new SparqlLiveError("timeout", lateMessage)));
    const timer = timeoutMs > 0 ? startTimer(late, timeoutMs) : undefined;
    const settle = (how: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      how();
    };
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
    signal?.addEventListener("abort", abort);
  });
}
