import { correlationOf, type Handler } from "../realtime/dispatcher.js";

export interface SystemHandlers {
  readonly ping: Handler<"ping">;
  readonly pong: Handler<"pong">;
  readonly heartbeat: Handler<"heartbeat">;
}

/** That a frame came is a sign of life by itself; only a ping wants an answer. */
export function createSystemHandlers(): SystemHandlers {
  return {
    ping(message, connection) {
      connection.sendControl(
        "pong",
        { timestamp: Date.now() / 1_000 },
        { correlationId: correlationOf(message) },
      );
    },
    pong: () => undefined,
    heartbeat: () => undefined,
  };
}
