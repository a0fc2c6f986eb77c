import { jsonCodec } from "@sparql-live/protocol";
import { parseServerMessage } from "@sparql-live/protocol/validate";
import { WebSocket } from "ws";
import type { HistoryChecker } from "./history-checker.js";
import type { Random } from "./random.js";
import { createRoomSession, type RoomSession } from "./room-session.js";

const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
const LONGEST_HINT_MS = 10_000;
const ATTEMPTS_COUNT = 200;
/** Close codes after which coming back is of no use. */
const FINAL_CODES: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 4400, 4403, 4404, 4409]);

export interface RoomClientOptions {
  /** Without a query: `ws://127.0.0.1:8000/api/ws/query`. */
  readonly url: string;
  /** Also its user id. */
  readonly name: string;
  readonly rooms: readonly string[];
  readonly checker: HistoryChecker;
  readonly random: Random;
}

type RoomClientState =
  | { readonly kind: "connecting" }
  | { readonly kind: "waiting" }
  /** `sinceMs`: on the clock of `performance.now()`. */
  | { readonly kind: "ready"; readonly sinceMs: number }
  /** It will not come back: it was closed, or the server forbade it. */
  | { readonly kind: "ended"; readonly code: number; readonly reason: string };

/** A client over real sockets that comes back by itself, with plain JSON. */
export interface RoomClient {
  readonly session: RoomSession;
  readonly state: RoomClientState;
  /** Leaves for good, with 1000. */
  close(): void;
}

export function openRoomClient({ url, name, rooms, checker, random }: RoomClientOptions): RoomClient {
  const session = createRoomSession({ name, checker });
  for (const room of rooms) session.join(room);
  let state: RoomClientState = { kind: "connecting" };
  let socket: WebSocket | null = null;
  let attempts = 0;

  const connect = () => {
    state = { kind: "connecting" };
    const opened = new WebSocket(`${url}?user_id=${name}`, { handshakeTimeout: CONNECT_TIMEOUT_MS });
    socket = opened;
    // A refused connection is told by `close`, too.
    opened.on("error", () => undefined);
    opened.on("open", () => session.attach((message) => opened.send(jsonCodec.encode(message))));
    opened.on("message", (data) => {
      session.receive(parseServerMessage(jsonCodec.decode(String(data))));
      if (!session.isReady || state.kind === "ready") return;
      attempts = 0;
      state = { kind: "ready", sinceMs: performance.now() };
    });
    opened.on("close", (code, reason) => {
      session.detach();
      if (state.kind === "ended") return;
      if (FINAL_CODES.has(code) || ++attempts > ATTEMPTS_COUNT) {
        state = { kind: "ended", code, reason: String(reason) };
        return;
      }
      state = { kind: "waiting" };
      setTimeout(
        () => {
          if (state.kind === "waiting") connect();
        },
        retryDelayMs(String(reason)),
      );
    });
  };

  /** Full jitter, so that those who were lost together do not come back together; a hint of the server wins. */
  const retryDelayMs = (reason: string): number => {
    const hintMs = hintOf(reason);
    if (hintMs !== undefined) return Math.min(hintMs, LONGEST_HINT_MS) * (1 + random.next() / 10);
    return random.next() * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts);
  };

  connect();
  return {
    session,
    get state() {
      return state;
    },
    close() {
      state = { kind: "ended", code: 1000, reason: "" };
      session.end();
      socket?.close(1000);
    },
  };
}

function hintOf(reason: string): number | undefined {
  if (!reason.startsWith("{")) return undefined;
  const { retry_after_ms: hint } = JSON.parse(reason) as { readonly retry_after_ms?: unknown };
  return typeof hint === "number" ? hint : undefined;
}
