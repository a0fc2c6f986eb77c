import type { Engine } from "@sparql-live/engine";
import type { Logger } from "pino";
import type { Counters } from "../realtime/counters.js";
import type { Handlers } from "../realtime/dispatcher.js";
import { type AuthenticationDeps, createAuthenticationHandlers } from "./authentication.js";
import { createCollaborationHandlers } from "./collaboration.js";
import { createEndpointHandlers } from "./endpoints.js";
import type { PrivateEndpoints } from "./private-endpoints.js";
import { createQueryHandlers } from "./query/query.js";
import type { QueryRuns } from "./query/query-runs.js";
import { createRecoveryHandlers, type RecoveryDeps } from "./recovery.js";
import { createRoomHandlers, type RoomFeatureDeps } from "./rooms.js";
import { createSystemHandlers } from "./system.js";
import { createTermHandlers } from "./terms.js";

export interface FeatureDeps extends RecoveryDeps, RoomFeatureDeps, AuthenticationDeps {
  readonly engine: Engine | null;
  readonly privateEndpoints: PrivateEndpoints;
  /** `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  readonly counters: Counters;
  readonly log: Logger;
}

/** What answers each message that a client may send. */
export function createHandlers(deps: FeatureDeps): Handlers {
  return {
    ...createSystemHandlers(),
    ...createAuthenticationHandlers(deps),
    ...createQueryHandlers(deps),
    ...createTermHandlers(deps),
    ...createEndpointHandlers({ endpoints: deps.engine?.endpoints ?? null }),
    ...createRoomHandlers(deps),
    ...createCollaborationHandlers(deps),
    ...createRecoveryHandlers(deps),
  };
}
