import type { ClientMessageType, ClientPayloads } from "@sparql-live/protocol";
import { useCallback } from "react";
import type { ConnectionState } from "../connection/state.js";
import { useSharedClient } from "./provider.js";
import type { SharedClient } from "./shared-client.js";
import { useReadable } from "./use-readable.js";

export interface WebSocketHandle {
  /** A union by `kind`: idle, connecting, open, reconnecting, draining, closed. */
  readonly state: ConnectionState;
  /** Whether what is asked now is on its way at once; it waits otherwise. */
  readonly isOpen: boolean;
  /** `null` while there is no connection. */
  readonly connectionId: string | null;
  readonly userId: string | null;
  /** Sends a message as it is. Returns its id, or `null` where there is no connection: nothing is kept. */
  send<T extends ClientMessageType>(type: T, payload: ClientPayloads[T]): string | null;
}

const IDLE: ConnectionState = { kind: "idle" };
const stateOf = ({ client }: SharedClient) => client.stateStore;

/** The connection that all components under a provider share. */
export function useWebSocket(): WebSocketHandle {
  const shared = useSharedClient();
  const state = useReadable(stateOf, IDLE);
  const send = useCallback<WebSocketHandle["send"]>(
    (type, payload) => shared.client.send(type, payload),
    [shared],
  );
  const isOpen = state.kind === "open" || state.kind === "draining";
  return {
    state,
    isOpen,
    connectionId: isOpen ? shared.client.connectionId : null,
    userId: isOpen ? shared.client.userId : null,
    send,
  };
}
