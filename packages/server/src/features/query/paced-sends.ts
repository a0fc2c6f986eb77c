import { SERVER_LIMITS } from "../../limits.js";
import type { Connection } from "../../realtime/connection.js";
import type { SharedMessage } from "../../realtime/shared-message.js";

/**
 * Sends what is large, at the pace of the connection: one message after the other however many runs it watches, so
 * that what waits for it stays small.
 */
export interface PacedSends {
  /** Settles when it was sent, or when `isWanted` says that it need not be any more. */
  send(
    connection: Connection,
    message: SharedMessage,
    isWanted: () => boolean,
    supersedes?: string,
  ): Promise<void>;
}

export function createPacedSends(): PacedSends {
  const lines = new WeakMap<Connection, Promise<void>>();

  const send: PacedSends["send"] = async (connection, message, isWanted, supersedes) => {
    await connection.drained();
    if (!isWanted()) return;
    // What is above the bound of the queue may only enter it when it is empty.
    if (message.framed(connection.codec).byteLength > SERVER_LIMITS.streamLowWaterBytes) {
      await connection.emptied();
      if (!isWanted()) return;
    }
    connection.sendShared(message, supersedes === undefined ? {} : { supersedes });
  };

  return {
    send(connection, message, isWanted, supersedes) {
      const next = () => send(connection, message, isWanted, supersedes);
      const sent = lines.get(connection)?.then(next, next) ?? next();
      lines.set(connection, sent);
      return sent.finally(() => {
        if (lines.get(connection) === sent) lines.delete(connection);
      });
    },
  };
}
