import type { ServerMessage, ServerPayloads } from "@sparql-live/protocol";
import type { Connection } from "./connection/connection.js";
import { SparqlLiveError } from "./errors.js";
import { newId } from "./ids.js";
import type { Send } from "./messages.js";
import type { Place } from "./outbox.js";

/** Who the client is to the server. */
interface Identity {
  readonly connectionId: string | null;
  readonly userId: string | null;
  readonly userName: string | null;
}

/** From a fresh socket to a connection that is what it was: says who we are, and comes back to the session. */
export interface Session extends Identity {
  /** What the server told of itself, last. */
  readonly greeting: ServerPayloads["connection_ack"] | null;
  /** Whether the message was about the connection itself. */
  take(message: ServerMessage): boolean;
  lost(): void;
  /** The next connection is a new one. */
  forget(): void;
}

type Resumed = ServerPayloads["resumed"];

export interface SessionOptions {
  readonly connection: () => Connection;
  readonly send: Send;
  readonly token: string | (() => string | Promise<string>) | undefined;
  readonly userName: string | undefined;
  readonly heartbeatIntervalMs: number | undefined;
  readonly positions: () => {
    readonly rooms: Record<string, Place>;
    readonly runs: Record<string, number>;
    readonly broadcast: Place | null;
  };
  /** Comes before `onReady`: what became of rooms and runs. `null` where nobody knows. */
  readonly onResumed: (resumed: Pick<Resumed, "rooms" | "runs" | "broadcast"> | null) => void;
  readonly onGreeted: (broadcast: Place) => void;
  readonly onReady: () => void;
  readonly onError: (error: unknown) => void;
}

export function createSession(options: SessionOptions): Session {
  const { connection, send } = options;
  let identity: Identity = { connectionId: null, userId: null, userName: null };
  let greeting: ServerPayloads["connection_ack"] | null = null;
  /** What waits to be sent is this user's. */
  let knownUserId: string | null = null;
  /** Of the connection before; it is good once. */
  let resumeToken: string | null = null;
  let resumeId: string | null = null;
  let authenticateId: string | null = null;
  /** Tokens that are on their way belong to one socket. */
  let socketCount = 0;

  const ready = () => {
    const told = greeting;
    if (told === null) return;
    connection().ready(options.heartbeatIntervalMs ?? told.heartbeat_interval * 1_000);
    // Whoever was told that it is open may have ended it.
    if (connection().state.getSnapshot().kind === "open") options.onReady();
  };

  const resume = () => {
    if (greeting === null) return;
    if (resumeToken === null) {
      resumeToken = greeting.session.resume_token;
      options.onGreeted(greeting.session.broadcast);
      return ready();
    }
    const { rooms, runs, broadcast } = options.positions();
    const positions = { rooms, runs, ...(broadcast === null ? {} : { broadcast }) };
    resumeId = newId();
    send("resume", { resume_token: resumeToken, positions, acks: true }, { message_id: resumeId });
  };

  const authenticate = (isFirst: boolean) => {
    const { token } = options;
    const ofSocket = socketCount;
    const failed = (error: unknown) => {
      options.onError(error);
      // Without one the server would end it anyway; the next try asks again.
      if (isFirst && ofSocket === socketCount) connection().lose({ code: 1006, reason: "no_token" });
    };
    if (token === undefined) {
      if (isFirst) connection().fail({ code: 4401, reason: "no_token" });
      return;
    }
    Promise.resolve()
      .then(() => (typeof token === "function" ? token() : token))
      .then((value) => {
        if (ofSocket !== socketCount) return;
        if (typeof value !== "string" || value === "") {
          throw new SparqlLiveError("no_token", "`token` gave no token, which is a string.");
        }
        const id = newId();
        if (isFirst) authenticateId = id;
        send("authenticate", { token: value }, { message_id: id });
      })
      .catch(failed);
  };

  const isSameUser = (userId: string) => {
    knownUserId ??= userId;
    if (userId !== knownUserId) connection().fail({ code: 4403, reason: "other_user" });
    return userId === knownUserId;
  };

  const greeted = (told: ServerPayloads["connection_ack"]) => {
    greeting = told;
    const { connection_id: connectionId, user_id: userId } = told;
    identity = { connectionId, userId, userName: options.userName ?? userId };
    if (userId === null) authenticate(true);
    else if (isSameUser(userId)) resume();
  };

  const authenticated = ({ user_id: userId, user_name: userName }: ServerPayloads["authenticated"]) => {
    identity = { ...identity, userId, userName };
    if (authenticateId === null) return;
    authenticateId = null;
    if (isSameUser(userId)) resume();
  };

  const resumed = (told: Resumed) => {
    resumeId = null;
    resumeToken = told.resume_token;
    identity = { ...identity, connectionId: told.connection_id, userId: told.user_id };
    options.onResumed(told);
    ready();
  };

  const notResumed = () => {
    resumeId = null;
    resumeToken = greeting?.session.resume_token ?? null;
    options.onResumed(null);
    ready();
  };

  return {
    get connectionId() {
      return identity.connectionId;
    },
    get userId() {
      return identity.userId;
    },
    get userName() {
      return identity.userName;
    },
    get greeting() {
      return greeting;
    },
    take(message) {
      switch (message.type) {
        case "connection_ack":
          greeted(message.payload);
          return false;
        case "authenticated":
          authenticated(message.payload);
          return false;
        case "token_expiring":
          authenticate(false);
          return false;
        case "server_draining":
          connection().draining(message.payload.retry_after_ms);
          return false;
        case "resumed":
          resumed(message.payload);
          return false;
        case "heartbeat":
          send("pong", {});
          return false;
        case "ping":
          send("pong", {}, message.message_id === undefined ? {} : { correlation_id: message.message_id });
          return true;
        case "pong":
          return true;
        case "error_message":
        case "validation_error":
          if (resumeId === null || message.correlation_id !== resumeId) return false;
          notResumed();
          return true;
        default:
          return false;
      }
    },
    lost() {
      socketCount++;
      resumeId = null;
      authenticateId = null;
      identity = { ...identity, connectionId: null };
    },
    forget() {
      resumeToken = null;
      greeting = null;
      knownUserId = null;
    },
  };
}
