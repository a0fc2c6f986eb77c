import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useState,
} from "react";
import type { SPARQLWebSocketClient } from "../client.js";
import type { ClientOptions } from "../options.js";
import { createSharedClient, type SharedClient, sharedOf } from "./shared-client.js";

export type SPARQLProviderProps = { readonly children?: ReactNode } & (
  | {
      /** Made, connected and disconnected by whoever gives it. */
      readonly client: SPARQLWebSocketClient;
    }
  | {
      /** For example `wss://graph.example/api/ws/query`, or a path. Another one makes another client. */
      readonly url: string;
      /** Those of the first rendering; give the provider another `key` to change them. */
      readonly options?: ClientOptions;
    }
);

const Context = createContext<SharedClient | null>(null);

/**
 * One client for everything below it, connected while this or a hook below it is mounted. On a server nothing is made
 * and nothing connects.
 */
export function SPARQLProvider(props: SPARQLProviderProps): ReactElement {
  const source = "client" in props ? props.client : props.url;
  const [held, setHeld] = useState(() => ({ source, shared: sharedFor(props) }));
  let current = held;
  if (current.source !== source) {
    current = { source, shared: sharedFor(props) };
    setHeld(current);
  }
  const { shared } = current;
  useEffect(() => shared.retain(), [shared]);
  return createElement(Context.Provider, { value: shared }, props.children);
}

function sharedFor(props: SPARQLProviderProps): SharedClient {
  return "client" in props ? sharedOf(props.client) : createSharedClient(props.url, props.options ?? {});
}

/** For the hooks of this package. Throws where there is no provider above. */
export function useSharedClient(): SharedClient {
  const shared = useContext(Context);
  if (shared === null) throw new Error("Render it inside of <SPARQLProvider>.");
  return shared;
}

/** The client itself, for what no hook does. Not for rendering on a server: it is made there and then. */
export function useSPARQLClient(): SPARQLWebSocketClient {
  return useSharedClient().client;
}
