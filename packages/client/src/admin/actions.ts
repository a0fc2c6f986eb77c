import type { AdminAction, AdminPayload, AdminReply } from "@sparql-live/protocol/admin";
import { errorOf, SparqlLiveError } from "../errors.js";
import { newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import { type WaitOptions, withinTime } from "../waiting.js";
import { ADMIN_CLIENT_LIMITS } from "./limits.js";
import type { AdminMessage } from "./wire.js";

export type AdminResult<A extends AdminAction> = AdminReply<A>["payload"];

/** Actions that wait for their answers. */
export interface Actions {
  /** Rejects with what the server answered, `timeout`, `aborted`, `outbox_full` or `connection_closed`. */
  perform<A extends AdminAction>(
    action: A,
    payload: AdminPayload<A>,
    options?: WaitOptions,
  ): Promise<AdminResult<A>>;
  /** Whether the message was the answer to one. */
  take(message: AdminMessage): boolean;
  /** There is a connection (again). */
  flush(): void;
  lost(): void;
  rejectAll(error: SparqlLiveError): void;
}

interface Pending {
  readonly action: AdminAction;
  readonly transmit: () => boolean;
  isSent: boolean;
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: SparqlLiveError) => void;
}

/** Of the one feed of metrics, however many actions wait beside it. */
const OF_FEED: ReadonlySet<AdminAction> = new Set<AdminAction>(["subscribe_metrics", "unsubscribe_metrics"]);

/** These change nothing, so that they may be asked again. */
const READING: ReadonlySet<AdminAction> = new Set<AdminAction>([
  "get_metrics",
  "list_connections",
  "list_rooms",
  "list_queries",
  "endpoints",
  "experiments",
  "analytics",
]);

/** `transmit`: `false` where there is no connection. `refusal`: why nothing would be answered any more. */
export function createActions(
  transmit: (action: AdminAction, payload: object, id: string) => boolean,
  refusal: () => SparqlLiveError | null,
): Actions {
  const pending = new Map<string, Pending>();

  return {
    perform<A extends AdminAction>(
      action: A,
      payload: AdminPayload<A>,
      { signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs }: WaitOptions = {},
    ) {
      const over = refusal();
      if (over !== null) return Promise.reject(over);
      if (!OF_FEED.has(action) && pending.size >= ADMIN_CLIENT_LIMITS.pendingActionsCount) {
        return Promise.reject(new SparqlLiveError("outbox_full", "Too many actions wait for an answer."));
      }
      const id = newId();
      const answer = new Promise<unknown>((resolve, reject) => {
        const transmitIt = () => transmit(action, payload, id);
        const isGivenUp = signal?.aborted === true;
        pending.set(id, {
          action,
          transmit: transmitIt,
          isSent: !isGivenUp && transmitIt(),
          resolve,
          reject,
        });
      });
      const settled = withinTime(answer, { signal, timeoutMs }, `No answer to ${action} came in time.`);
      // The server answers an action with the reply of that action, or with an error.
      return settled.finally(() => void pending.delete(id)) as Promise<AdminResult<A>>;
    },
    take(message) {
      const request = pending.get(message.correlation_id ?? "");
      if (request === undefined) return false;
      if (message.type === "error_message" || message.type === "validation_error") {
        request.reject(errorOf(message.payload));
      } else request.resolve(message.payload);
      return true;
    },
    flush() {
      for (const request of pending.values()) if (!request.isSent) request.isSent = request.transmit();
    },
    lost() {
      for (const request of pending.values()) {
        if (request.isSent && !READING.has(request.action)) request.reject(unanswered(request.action));
        request.isSent = false;
      }
    },
    rejectAll(error) {
      for (const request of pending.values()) request.reject(error);
    },
  };
}

function unanswered(action: AdminAction): SparqlLiveError {
  const text = `The connection was lost before ${action} was answered: it may have been done or not.`;
  return new SparqlLiveError("connection_closed", text, { detail: "unanswered" });
}
