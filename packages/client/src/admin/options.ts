import type { RetryPolicy } from "../connection/retry.js";
import type { Signals } from "../connection/signals.js";
import type { SocketConstructor } from "../socket.js";

/** What proves an admin, or a function that gets it: it is called for each connection. */
export type Credential = string | (() => string | Promise<string>);

interface CommonOptions extends RetryPolicy {
  /** For example `wss://graph.example/api/ws/admin`; `http(s)` does too, and in a page a path. */
  readonly url: string;
  /** Where the platform has none: `ws` is found by itself when it is installed. */
  readonly WebSocket?: SocketConstructor | undefined;
  /** Milliseconds within which a socket must be open, from its first step. Default 10,000. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds without a message after which it is asked whether the server is there. Default 30,000. */
  readonly heartbeatInterval?: number | undefined;
  /** Milliseconds within which something must come after that. Default 10,000. */
  readonly heartbeatTimeout?: number | undefined;
  /** What the machine tells of its network. Default: the events of the page, where there is one. */
  readonly signals?: Signals | undefined;
}

export type AdminClientOptions = CommonOptions &
  (
    | {
        /** The setting `adminKey` of the server. */
        readonly key: Credential;
        readonly token?: never;
      }
    | {
        /** A bearer token of a user who has the role `admin`. */
        readonly token: Credential;
        readonly key?: never;
      }
  );
