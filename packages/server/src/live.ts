import { createMessageParser } from "@sparql-live/protocol/validate";
import { pushEndpointHealth } from "./features/endpoints.js";
import { createHandlers } from "./features/handlers.js";
import { createUserData, type UserData } from "./features/user-data.js";
import { SERVER_LIMITS } from "./limits.js";
import { type Admission, createAdmission, createRefusals } from "./live/admission.js";
import { createDrain, type DrainOptions, type DrainStage } from "./live/drain.js";
import { type Feature, featuresOf } from "./live/features.js";
import { greetingOf } from "./live/greeting.js";
import { createLifeCycle } from "./live/life-cycle.js";
import { openParts, type Parts } from "./live/parts.js";
import { createPresent } from "./live/proof.js";
import type { LiveOptions } from "./live-options.js";
import { type Controls, createControls } from "./realtime/controls.js";
import type { Core } from "./realtime/core.js";
import { createDispatcher, type Dispatcher } from "./realtime/dispatcher.js";
import type { Peer } from "./realtime/peer.js";
import { changeMember } from "./realtime/rooms/members.js";

/** The real-time part, put together: connections, rooms, what answers messages, and the queries in progress. */
export interface Live extends Admission, Parts {
  /** What an application does by itself: send, let in, put out. */
  readonly controls: Controls;
  /** What is stored of a user: to be taken along, and to be erased. */
  readonly userData: UserData;
  /** What `connection_ack` tells that there is. */
  readonly features: readonly Feature[];
  /** To add further handlers of a message type, and further types. */
  readonly dispatcher: Dispatcher;
  /** Not `serving`: it may not be sent work any more. */
  readonly stage: DrainStage;
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number;
  /**
   * Ends what this server does, without losing what can be kept: for a grace it only says that it is not ready, then
   * it takes nothing new and tells everybody, lets running queries end or cancels them, and closes every connection
   * with a hint when to return. Settles when all is closed, within 27 s. Without options: as the settings say. Done
   * once; a second call waits for the first.
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Settles at the end of a drain, whoever asked for it. */
  readonly drained: Promise<void>;
  /** The same without any waiting: cancels and tells running queries. Also hurries a drain that is under way. */
  close(): Promise<void>;
}

/** Throws what the broker throws where its logs cannot be read. */
export async function openLive(options: LiveOptions): Promise<Live> {
  const { engine } = options;
  const parts = await openParts(options);
  const { limits, ticker, wheel, hub, rooms, sessions, counters, experiments, log } = parts;
  const features = featuresOf(engine !== null, limits);

  const drain = createDrain({
    ...parts,
    stopPushing: engine === null ? () => undefined : pushEndpointHealth(engine.endpoints, hub),
    stopSweeping: sweepRooms(parts),
  });
  const lifeCycle = createLifeCycle(parts, drain);
  const refusals = createRefusals(parts);
  const present = createPresent({ ...parts, ...refusals, tellOfDrain: drain.tell });
  const parser = createMessageParser();
  const handlers = createHandlers({
    ...parts,
    engine,
    takeOver: lifeCycle.takeOver,
    // With authentication a resume token alone proves nobody.
    mayReturnAs: (former, fresh) => parts.authentication.isOpen || former.user.id === fresh.user.id,
    present,
    changeMember: (room, change) => changeMember(room, change, { rooms, sessions }),
  });
  const dispatcher = createDispatcher({ handlers, parser, counters, log });
  const core: Core<Peer> = {
    ticker,
    wheel,
    parser,
    counters,
    log,
    dispatch: dispatcher.dispatch,
    rateLimits: limits.tiers,
    variantsOf: experiments.variantsOf,
    heartbeatIntervalMs: limits.heartbeatIntervalMs,
    heartbeatTimeoutMs: limits.heartbeatTimeoutMs,
    greeting: (peer) => greetingOf(peer, features, parts),
    onLost: lifeCycle.onLost,
  };

  const controls = createControls(parts);
  return {
    ...parts,
    ...createAdmission(parts, core, refusals, present),
    controls,
    userData: createUserData({ ...parts, controls }),
    features,
    dispatcher,
    startedAtMs: performance.now(),
    get stage() {
      return drain.stage;
    },
    drain: ({ graceMs = limits.drainGraceMs, queriesMs = limits.drainQueriesMs } = {}) =>
      drain.begin({ graceMs, queriesMs }),
    drained: drain.done,
    close() {
      drain.hurry();
      return drain.begin({});
    },
  };
}

/** Puts away the rooms that were empty for long enough, from time to time. Returns the way to stop. */
function sweepRooms({ rooms, wheel, limits, log }: Parts): () => void {
  const sweepMs = Math.min(SERVER_LIMITS.roomSweepMs, limits.emptyRoomMs);
  const visit = () => {
    rooms.sweep().catch((error: unknown) => log.error({ err: error }, "an empty room could not be put away"));
    return sweepMs;
  };
  return wheel.add({ visit }, sweepMs).remove;
}
