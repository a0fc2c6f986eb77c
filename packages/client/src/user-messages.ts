import type { ServerMessage } from "@sparql-live/protocol";
import { CLIENT_LIMITS } from "./limits.js";
import type { Send } from "./messages.js";
import type { Place } from "./outbox.js";

/** What the application sends to this user or to everybody: each is told once, and acknowledged where it was queued. */
export interface UserMessages {
  /** Of the messages to everybody, for `resume`. */
  readonly position: Place | null;
  /** Where they stand, as a greeting or `resumed` says. */
  place(place: Place): void;
  /** Whether the application is to be told of the message. */
  take(message: ServerMessage): boolean;
}

export function createUserMessages(send: Send): UserMessages {
  let position: Place | null = null;
  const known = new Set<string>();

  const isNew = (messageId: string): boolean => {
    if (known.has(messageId)) return false;
    known.add(messageId);
    const [oldest] = known;
    if (known.size > CLIENT_LIMITS.knownMessageIdsCount && oldest !== undefined) known.delete(oldest);
    return true;
  };

  return {
    get position() {
      return position;
    },
    place({ epoch, seq }) {
      position = { epoch, seq };
    },
    take({ type, payload, message_id: messageId }) {
      if (type === "system_message" && payload.epoch !== undefined && payload.seq !== undefined) {
        const { epoch, seq } = payload;
        if (position !== null && position.epoch === epoch && seq <= position.seq) return false;
        position = { epoch, seq };
        return true;
      }
      if (type !== "system_message" && type !== "notification" && NEVER_QUEUED.has(type)) return true;
      // Whether it waited in the queue of the user cannot be seen: one too many is passed over.
      if (messageId === undefined) return true;
      send("ack", { message_id: messageId });
      return isNew(messageId);
    },
  };
}

/** What a server says of itself and of requests; anything else may have waited for the user. */
const NEVER_QUEUED: ReadonlySet<string> = new Set([
  "connection_ack",
  "authenticated",
  "token_expiring",
  "resumed",
  "heartbeat",
  "server_draining",
  "error_message",
  "validation_error",
  "endpoint_status",
  "endpoint_health",
  "ontology_suggestion",
  "query_progress",
  "query_rows",
  "query_result",
  "query_cancelled",
]);
