import type { Codec, ServerMessage, WireMessage } from "@sparql-live/protocol";
import { SparqlLiveError } from "../errors.js";
import { newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import { messageOf } from "../messages.js";
import type { Socket, SocketEvents } from "../socket.js";
import { createStore, type ReadableStore } from "../store.js";
import { startTimer } from "../timers.js";
import { createHeartbeat } from "./heartbeat.js";
import { isWorthARetry, type RetryPolicy, readCloseReason, retryDelayMs } from "./retry.js";
import type { Signals } from "./signals.js";
import { type CloseInfo, type ConnectionEvent, type ConnectionState, transition } from "./state.js";

/** One WebSocket after another to the same address. */
export interface Connection {
  readonly state: ReadableStore<ConnectionState>;
  /** Whether a socket is open, before it is ready too. */
  readonly isUp: boolean;
  /** Tries at once; nothing where it is under way. */
  connect(): void;
  /** Ends it for good, with 1000. */
  disconnect(): void;
  /** `false`: there is no socket, nothing was sent. Throws `message_too_large`. */
  send(message: WireMessage): boolean;
  /** It may be used from now on; `intervalMs`: of the heartbeat. */
  ready(intervalMs: number): void;
  /** The server is about to close it. */
  draining(retryAfterMs: number | undefined): void;
  /** Lets the socket go, as if it had been closed so. */
  lose(close: CloseInfo): void;
  /** Ends it for good, as if it had been closed so. */
  fail(close: CloseInfo): void;
}

export interface ConnectionOptions {
  readonly codec: Codec;
  /** What the next socket needs is had first. Rejects, or the function throws, where no other try would help. */
  readonly prepare: () => Promise<(events: SocketEvents) => Socket>;
  readonly policy: RetryPolicy;
  readonly heartbeatTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly signals: Signals;
  /** Whether a refused token (4401) can be replaced by a fresh one. */
  readonly canRenewToken: boolean;
  readonly onMessage: (message: ServerMessage) => void;
  /** The socket is gone. */
  readonly onLost: () => void;
  /** A message was not what its type says; the socket is let go. */
  readonly onFault: (error: unknown) => void;
  /** It is over for good. */
  readonly onEnded: (close: CloseInfo) => void;
}

const TOKEN_REFUSED = 4401;
const BAD_MESSAGE = { code: 1006, reason: "bad_message" } as const;
const NO_SOCKET = { code: 1006, reason: "connect_timeout" } as const;

export function createConnection(options: ConnectionOptions): Connection {
  const { codec, policy, signals } = options;
  const state = createStore<ConnectionState>({ kind: "idle" });
  let socket: Socket | null = null;
  let isUp = false;
  let tryTimer: ReturnType<typeof setTimeout> | undefined;
  let connectTimer: ReturnType<typeof setTimeout> | undefined;
  /** Nothing is tried before, because the server asked for it; by `Date.now()`. */
  let notBeforeMs = 0;
  /** A fresh token was taken since one was accepted. */
  let isTokenRenewed = false;
  let maxMessageBytes = 0;
  let stopSignals = () => {};

  // Before anybody is told of the end: what they begin then is not of what has ended.
  state.subscribe(() => {
    const now = state.getSnapshot();
    if (now.kind === "closed") options.onEnded(now);
  });

  const step = (event: ConnectionEvent) => state.set(transition(state.getSnapshot(), event));

  const heartbeat = createHeartbeat({
    timeoutMs: options.heartbeatTimeoutMs,
    ping: () => void send({ type: "ping", message_id: newId(), payload: {} }),
    onSilence: () => lose({ code: 1006, reason: "heartbeat_timeout" }),
  });

  const letGo = () => {
    clearTimeout(connectTimer);
    clearTimeout(tryTimer);
    heartbeat.stop();
    const former = socket;
    socket = null;
    isUp = false;
    return former;
  };

  const end = (close: CloseInfo) => {
    stopSignals();
    step({ type: "ended", close });
  };

  const lost = (close: CloseInfo, hintMs?: number) => {
    const before = state.getSnapshot();
    if (before.kind === "idle" || before.kind === "closed") return;
    options.onLost();
    // Whoever was told of it may have ended it.
    if (state.getSnapshot() !== before) return;
    const attempt = attemptAfter(before);
    const drainHintMs = before.kind === "draining" ? before.retryAfterMs : undefined;
    const renews = close.code === TOKEN_REFUSED && options.canRenewToken && !isTokenRenewed;
    if (renews) isTokenRenewed = true;
    const hint = renews ? 0 : (hintMs ?? drainHintMs);
    const delayMs =
      renews || isWorthARetry(close.code)
        ? retryDelayMs(policy, { attempt, random: Math.random(), hintMs: hint })
        : null;
    if (delayMs === null) return end(close);
    const dueMs = Date.now() + delayMs;
    notBeforeMs = hint !== undefined && hint > 0 ? dueMs : 0;
    const nextTryAtMs = signals.isOffline() ? null : dueMs;
    // First the timer: whoever is told of the state may end it.
    if (nextTryAtMs !== null) tryTimer = startTimer(attemptNow, delayMs);
    step({ type: "lost", close, attempt, nextTryAtMs });
  };

  const lose = (close: CloseInfo) => {
    const former = letGo();
    former?.drop();
    lost(close);
  };

  const attemptNow = () => {
    clearTimeout(tryTimer);
    const before = state.getSnapshot();
    const trying = transition(before, { type: "try" });
    state.set(trying);
    // It is under way, or whoever was told of it has ended it.
    if (trying === before || state.getSnapshot() !== trying) return;
    connectTimer = startTimer(() => lose(NO_SOCKET), options.connectTimeoutMs);
    options
      .prepare()
      .then((open) => {
        if (state.getSnapshot() === trying) socket = open(events);
      })
      // Browsers refuse some addresses when it is made: another try would not help.
      .catch((error: unknown) => {
        if (state.getSnapshot() !== trying) return;
        const reason = error instanceof SparqlLiveError ? error.code : "address_refused";
        fail({ code: 1006, reason, cause: error });
      });
  };

  const events: SocketEvents = {
    onOpen() {
      isUp = true;
    },
    onFrame(frame) {
      heartbeat.heard();
      const message = decoded(codec, frame);
      if (message === null) return lose(BAD_MESSAGE);
      const ours = socket;
      try {
        if (message.type === "connection_ack") {
          maxMessageBytes = message.payload.limits.max_message_bytes;
        }
        options.onMessage(message);
      } catch (error) {
        options.onFault(error);
        if (socket === ours) lose(BAD_MESSAGE);
      }
    },
    onClose(code, text, cause) {
      letGo();
      const { code: reason = "", hintMs } = readCloseReason(text);
      lost({ code, reason, ...(cause === undefined ? {} : { cause }) }, hintMs);
    },
  };

  const send = (message: WireMessage): boolean => {
    if (socket === null || !isUp) return false;
    const frame = codec.encode({ timestamp: Date.now() / 1_000, ...message });
    if (maxMessageBytes > 0 && isLarger(frame, maxMessageBytes)) {
      const text = `A message has at most ${maxMessageBytes} bytes; this ${message.type} is larger.`;
      throw new SparqlLiveError("message_too_large", text);
    }
    socket.send(frame);
    return true;
  };

  const fail = (close: CloseInfo) => {
    letGo()?.drop();
    options.onLost();
    end(close);
  };

  const back = () => {
    const leftMs = Math.min(notBeforeMs - Date.now(), CLIENT_LIMITS.longestHintMs);
    if (leftMs <= 0) return attemptNow();
    clearTimeout(tryTimer);
    tryTimer = setTimeout(attemptNow, leftMs);
    step({ type: "scheduled", nextTryAtMs: Date.now() + leftMs });
  };

  const followSignals = () => {
    stopSignals();
    stopSignals = signals.subscribe((signal) => {
      const { kind } = state.getSnapshot();
      if (kind === "open" || kind === "draining") return heartbeat.probe();
      if (kind !== "reconnecting") return;
      if (signal === "back") return back();
      clearTimeout(tryTimer);
      step({ type: "scheduled", nextTryAtMs: null });
    });
  };

  return {
    state,
    get isUp() {
      return isUp;
    },
    connect() {
      const { kind } = state.getSnapshot();
      if (kind !== "idle" && kind !== "closed" && kind !== "reconnecting") return;
      isTokenRenewed = false;
      followSignals();
      attemptNow();
    },
    disconnect() {
      if (state.getSnapshot().kind === "closed") return;
      const former = letGo();
      former?.close(1000);
      options.onLost();
      end({ code: 1000, reason: "disconnect" });
    },
    send,
    ready(intervalMs) {
      clearTimeout(connectTimer);
      isTokenRenewed = false;
      heartbeat.start(intervalMs);
      step({ type: "ready", nowMs: Date.now() });
    },
    draining: (retryAfterMs) => step({ type: "draining", retryAfterMs }),
    lose,
    fail,
  };
}

/** `null` where it is no message: then the stream of them is not to be trusted any more. */
function decoded(codec: Codec, frame: string | Uint8Array): ServerMessage | null {
  try {
    return messageOf(codec.decode(frame));
  } catch {
    return null;
  }
}

/** Tries are counted until a connection has lasted. */
function attemptAfter(state: Exclude<ConnectionState, { readonly kind: "idle" | "closed" }>): number {
  const isStable = "sinceMs" in state && Date.now() - state.sinceMs >= CLIENT_LIMITS.stableAfterMs;
  return isStable ? 1 : state.attempt + 1;
}

function isLarger(frame: string | Uint8Array, maxBytes: number): boolean {
  if (typeof frame !== "string") return frame.byteLength > maxBytes;
  // A unit of UTF-16 has three bytes of UTF-8 at most: only long texts need to be measured.
  return frame.length * 3 > maxBytes && new TextEncoder().encode(frame).byteLength > maxBytes;
}
