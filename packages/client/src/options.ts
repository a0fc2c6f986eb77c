import type { Codec } from "@sparql-live/protocol";
import type { RetryPolicy } from "./connection/retry.js";
import type { Signals } from "./connection/signals.js";
import { isId } from "./ids.js";
import type { OutboxStorage } from "./outbox.js";
import type { SocketConstructor } from "./socket.js";

export interface ClientOptions extends RetryPolicy {
  /**
   * Milliseconds without a message after which the client asks whether the server is still there. Default: the interval
   * that the server names (30 s).
   */
  readonly heartbeatInterval?: number | undefined;
  /** Milliseconds within which something must come after it has asked. Default 10,000. */
  readonly heartbeatTimeout?: number | undefined;
  /** Milliseconds within which a connection must be ready for use, from its first step. Default 10,000. */
  readonly connectTimeout?: number | undefined;
  /**
   * A bearer token, or a function that gets one: it is called for each connection, and when the token is about to
   * expire. It is sent as the first message, never in the address.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Who the user is, where the server has no authentication. Default: a guest of a random name, for as long as the client lives. */
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  /** Default: JSON. `msgpackCodec` of `@sparql-live/client/msgpack` speaks MessagePack. */
  readonly codec?: Codec | undefined;
  /** Where the platform has none: `ws` is found by itself when it is installed. */
  readonly WebSocket?: SocketConstructor | undefined;
  /** Keeps what waits to be sent, for example `indexedDbOutbox()` of `@sparql-live/client/indexed-db`. */
  readonly outboxStorage?: OutboxStorage | undefined;
  /** `false`: it connects when `connect()` is called. Default `true`: at once. */
  readonly autoConnect?: boolean | undefined;
  /** What the machine tells of its network. Default: the events of the page, where there is one. */
  readonly signals?: Signals | undefined;
}

const TIMES = ["connectTimeout", "heartbeatInterval", "heartbeatTimeout"] as const;
const RETRIES = ["reconnectInterval", "reconnectDecay", "reconnectAttempts"] as const;

/** Throws a `TypeError` that names what is wrong: what comes from JavaScript or a form may be anything. */
export function checkOptions(options: ClientOptions): void {
  const { token, userId, userName, outboxStorage, codec, WebSocket: given } = options;
  const need = (isFine: boolean, name: string, what: string) => {
    if (!isFine) throw new TypeError(`\`${name}\` has to be ${what}.`);
  };
  for (const name of TIMES) need((options[name] ?? 1) > 0, name, "milliseconds above 0");
  for (const name of RETRIES) need((options[name] ?? 1) >= 0, name, "a number from 0");
  need(userId === undefined || isId(userId), "userId", "a string of 1 to 128 characters");
  need(
    token === undefined || typeof token === "function" || isText(token),
    "token",
    "a string or a function",
  );
  need(userName === undefined || typeof userName === "string", "userName", "a string");
  need(codec === undefined || typeof codec?.encode === "function", "codec", "a codec");
  need(given === undefined || typeof given === "function", "WebSocket", "a class");
  const isStorage = outboxStorage === undefined || typeof outboxStorage?.load === "function";
  need(isStorage, "outboxStorage", "a storage");
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** `http` and `https` stand for `ws` and `wss`; in a page the address may be relative to it. Throws a `TypeError`. */
export function socketAddressOf(url: string | URL): URL {
  const base = typeof location === "undefined" ? undefined : location.href;
  const address = new URL(url, base);
  address.protocol = address.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(address.protocol)) throw new TypeError(`"${url}" is no address of a WebSocket.`);
  address.hash = "";
  return address;
}

export function isAddressOfRoom(address: string): boolean {
  return /\/room\/[^/]+$/.test(new URL(address).pathname);
}

/** The same, with who comes. */
export function addressOf(
  url: string | URL,
  { userId, userName }: { userId?: string; userName?: string | undefined },
): string {
  const address = socketAddressOf(url);
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined && !address.searchParams.has(name)) address.searchParams.set(name, value);
  };
  add("user_id", userId);
  add("user_name", userName);
  add("acks", "true");
  return address.href;
}
