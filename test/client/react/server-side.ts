import {
  SPARQLProvider,
  useCollaborationRoom,
  useEndpointHealth,
  useOntologySearch,
  useSharedRun,
  useSPARQLQuery,
  useWebSocket,
} from "@sparql-live/client/react";
import { useRoomDocument } from "@sparql-live/client/react-yjs";
import { createElement as h, type ReactNode, version } from "react";
import { renderToString } from "react-dom/server";

function Everything(): ReactNode {
  const { state } = useWebSocket();
  const { rows, isLoading } = useSPARQLQuery();
  const { members, messages } = useCollaborationRoom("lab");
  const { status } = useRoomDocument("lab");
  const shared = useSharedRun("lab", "q");
  const { suggestions } = useOntologySearch("city");
  const { endpoints } = useEndpointHealth();
  return h("p", null, [state.kind, rows.length, isLoading, members.length, messages.length].join(), [
    suggestions.length,
    endpoints.length,
    ` ${shared.isLoading} ${status}`,
  ]);
}

/** What a server sends. */
export function rendered(url: string): { readonly version: string; readonly html: string } {
  return { version, html: renderToString(h(SPARQLProvider, { url }, h(Everything))) };
}
