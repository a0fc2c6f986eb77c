import type { Engine } from "@sparql-live/engine";
import type { Logger } from "pino";
import type { Counters } from "../realtime/counters.js";
import type { Handlers } from "../realtime/dispatcher.js";
import type { Runs } from "../realtime/runs.js";
import { createEndpointHandlers } from "./endpoints.js";
import { createQueryHandlers } from "./query/query.js";
import type { Turns } from "./query/turns.js";
import { createSystemHandlers } from "./system.js";
import { createTermHandlers } from "./terms.js";

export interface FeatureDeps {
  readonly engine: Engine;
  readonly runs: Runs;
  readonly turns: Turns;
  readonly counters: Counters;
  readonly log: Logger;
}

/** What answers each message that a client may send. */
export function createHandlers(deps: FeatureDeps): Handlers {
  return {
    ...createSystemHandlers(),
    ...createQueryHandlers(deps),
    ...createTermHandlers(deps),
    ...createEndpointHandlers({ endpoints: deps.engine.endpoints }),
  };
}
