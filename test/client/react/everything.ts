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
import { createElement as h, type ReactNode } from "react";

function Part({ id, shown }: { readonly id: string; readonly shown: readonly unknown[] }): ReactNode {
  return h("p", { id }, shown.map(String).join());
}

function Parts(): ReactNode {
  const { state } = useWebSocket();
  const { rows, isLoading } = useSPARQLQuery();
  const { status: membership, members, messages } = useCollaborationRoom("lab");
  const { status } = useRoomDocument("lab");
  const shared = useSharedRun("lab", "q");
  const { suggestions } = useOntologySearch("city");
  const { endpoints } = useEndpointHealth();
  return [
    h(Part, { key: 1, id: "connection", shown: [state.kind] }),
    h(Part, { key: 2, id: "query", shown: [rows.length, isLoading] }),
    h(Part, { key: 3, id: "room", shown: [membership.kind, members.length, messages.length] }),
    h(Part, { key: 4, id: "document", shown: [status] }),
    h(Part, { key: 5, id: "run", shown: [shared.isLoading, shared.error?.code ?? "fine"] }),
    h(Part, { key: 6, id: "search", shown: [suggestions.length > 0] }),
    h(Part, { key: 7, id: "health", shown: endpoints.map(({ endpoint_id: id }) => id) }),
  ];
}

/** Every hook once. */
export function Everything({ url }: { readonly url: string }): ReactNode {
  return h(SPARQLProvider, { url, options: { userId: "ada" } }, h(Parts));
}
