/** How a connection ended. `reason`: the code in the reason of the close, or a word of the client's own. */
export interface CloseInfo {
  /** Of the WebSocket (RFC 6455, section 7.4): 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
  /** What the platform or the library said of it, where that is more. */
  readonly cause?: unknown;
}

/** Times are those of `Date.now()`. */
export type ConnectionState =
  | { readonly kind: "idle" }
  /** `attempt`: 0 for the first, then counted since the last connection that lasted. */
  | { readonly kind: "connecting"; readonly attempt: number }
  /** Authenticated, and back in its session where there was one. */
  | { readonly kind: "open"; readonly attempt: number; readonly sinceMs: number }
  /** `nextTryAtMs`: `null` while the machine is offline. */
  | {
      readonly kind: "reconnecting";
      readonly attempt: number;
      readonly nextTryAtMs: number | null;
      readonly close: CloseInfo;
    }
  /** Open still; the server is about to close it, and says when to return. */
  | {
      readonly kind: "draining";
      readonly attempt: number;
      readonly sinceMs: number;
      readonly retryAfterMs: number | undefined;
    }
  /** For good: nothing is tried any more until `connect()`. */
  | ({ readonly kind: "closed" } & CloseInfo);

export type ConnectionEvent =
  | { readonly type: "try" }
  | { readonly type: "ready"; readonly nowMs: number }
  | { readonly type: "draining"; readonly retryAfterMs: number | undefined }
  | {
      readonly type: "lost";
      readonly close: CloseInfo;
      readonly attempt: number;
      readonly nextTryAtMs: number | null;
    }
  /** The next try is put off (`null`: until the machine is online), or brought forward. */
  | { readonly type: "scheduled"; readonly nextTryAtMs: number | null }
  | { readonly type: "ended"; readonly close: CloseInfo };

/** The next state; an event that means nothing in a state leaves it as it is. */
export function transition(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  switch (event.type) {
    case "try":
      if (state.kind === "reconnecting") return { kind: "connecting", attempt: state.attempt };
      return state.kind === "idle" || state.kind === "closed" ? { kind: "connecting", attempt: 0 } : state;
    case "ready":
      return state.kind === "connecting"
        ? { kind: "open", attempt: state.attempt, sinceMs: event.nowMs }
        : state;
    case "draining":
      return state.kind === "open" ? { ...state, kind: "draining", retryAfterMs: event.retryAfterMs } : state;
    case "lost": {
      if (state.kind !== "connecting" && state.kind !== "open" && state.kind !== "draining") return state;
      const { close, attempt, nextTryAtMs } = event;
      return { kind: "reconnecting", attempt, nextTryAtMs, close };
    }
    case "scheduled":
      return state.kind === "reconnecting" ? { ...state, nextTryAtMs: event.nextTryAtMs } : state;
    case "ended":
      return { kind: "closed", ...event.close };
  }
}
