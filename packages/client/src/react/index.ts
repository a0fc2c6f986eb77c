"use client";

export type { HealthView } from "./health-store.js";
export { SPARQLProvider, type SPARQLProviderProps, useSPARQLClient } from "./provider.js";
export type { ExecuteOptions, QueryView } from "./query-store.js";
export type { RoomRun } from "./room-runs.js";
export type { CollaborationView } from "./room-store.js";
export type { SearchView } from "./search-store.js";
export {
  type CollaborationHandle,
  type CollaborationOptions,
  useCollaborationRoom,
} from "./use-collaboration-room.js";
export { useEndpointHealth } from "./use-endpoint-health.js";
export { type OntologySearchOptions, useOntologySearch } from "./use-ontology-search.js";
export { useSharedRun } from "./use-shared-run.js";
export { type SPARQLQueryHandle, useSPARQLQuery } from "./use-sparql-query.js";
export { useWebSocket, type WebSocketHandle } from "./use-web-socket.js";
