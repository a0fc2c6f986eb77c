import type { Logger } from "pino";
import { type Authentication, openAuthentication } from "../auth/authentication.js";
import { createExpiryWatch, type ExpiryWatch } from "../auth/expiry-watch.js";
import type { Broker } from "../broker.js";
import { createPrivateEndpoints, type PrivateEndpoints } from "../features/private-endpoints.js";
import type { QueryRuns } from "../features/query/query-runs.js";
import { type Limits, type LiveOptions, limitsOf, tickMsOf } from "../live-options.js";
import { type Broadcasts, openBroadcasts } from "../realtime/broadcasts.js";
import { type Counters, createCounters } from "../realtime/counters.js";
import { createExperiments, type Experiments } from "../realtime/experiments.js";
import { createHub, type Hub } from "../realtime/hub.js";
import { createMailboxes, createUnkeptMailboxes, type Mailboxes } from "../realtime/mailboxes.js";
import { createNoRooms } from "../realtime/rooms/no-rooms.js";
import { createRooms, type Rooms } from "../realtime/rooms/rooms.js";
import { createRuns, type Runs } from "../realtime/runs.js";
import { createSessions, type Sessions } from "../realtime/sessions.js";
import { createTicker, type Ticker } from "../realtime/ticker.js";
import { createWheel, type Wheel } from "../realtime/wheel.js";
import type { Store } from "../store.js";
import { createEphemeralVault } from "../vault.js";
import { type Analytics, createAnalytics } from "./analytics.js";
import { createIntake, type Intake } from "./intake.js";
import { createLobby, type Lobby } from "./lobby.js";
import { type Pressure, type PressureLimits, watchPressure } from "./pressure.js";
import { wireQueries } from "./query-wiring.js";

/** What holds the state of a server: who is connected, what there is to be in and to watch, what waits for whom. */
export interface Parts {
  readonly log: Logger;
  readonly limits: Limits;
  readonly broker: Broker;
  readonly store: Store;
  readonly counters: Counters;
  readonly ticker: Ticker;
  readonly wheel: Wheel;
  readonly hub: Hub;
  readonly broadcasts: Broadcasts;
  readonly runs: Runs;
  readonly pressure: Pressure;
  readonly intake: Intake;
  /** Runs that connections watch; `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  readonly privateEndpoints: PrivateEndpoints;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly mailboxes: Mailboxes;
  readonly authentication: Authentication;
  /** Who has still to authenticate. */
  readonly lobby: Lobby;
  readonly expiries: ExpiryWatch;
  readonly experiments: Experiments;
  readonly analytics: Analytics;
}

/** Throws what the broker throws where its logs cannot be read. */
export async function openParts(options: LiveOptions): Promise<Parts> {
  const { broker, store } = options.storage;
  // Before anything runs that would have to be ended: it may throw.
  const authentication = await openAuthentication(options, store.revocations);
  const hub = createHub();
  const broadcasts = await openBroadcasts(broker, hub);
  const limits = limitsOf(options);
  const wheel = createWheel(tickMsOf(limits));
  const counters = createCounters();
  const pressure = watchPressure(pressureLimitsOf(limits), options.log);
  const intake = createIntake(pressure, () => counters.queriesShed++);
  const base = {
    broker,
    store,
    log: options.log,
    limits,
    counters,
    ticker: createTicker(),
    wheel,
    lobby: createLobby({ wheel, timeoutMs: limits.authenticationTimeoutMs }),
    expiries: createExpiryWatch(wheel),
    hub,
    authentication,
    broadcasts,
    runs: createRuns({ admit: intake.admitQuery }),
    experiments: createExperiments(options.experiments ?? {}),
    analytics: createAnalytics(
      { daysCount: limits.analyticsDays, keepsTexts: limits.analyticsTexts },
      { store, endpoints: options.engine?.endpoints ?? null, log: options.log },
    ),
    pressure,
    intake,
  };
  // Runs are watched by rooms and rooms tell of runs: what is made first reaches for the other when it needs it.
  const { queries, ofRooms } = wireQueries(options, {
    ...base,
    rooms: () => rooms,
    sessions: () => sessions,
  });
  const rooms: Rooms = limits.enableRooms ? createRooms({ ...base, ...ofRooms }, limits) : createNoRooms();
  const sessions: Sessions = createSessions({
    wheel: base.wheel,
    graceMs: limits.presenceGraceMs,
    windowMs: limits.resumeWindowMs,
    onGrace: (peer) => rooms.dismiss(peer),
    onEnd(peer) {
      rooms.abandon(peer);
      peer.end();
    },
  });
  const mailboxes = limits.enableMessagePersistence ? createMailboxes(base) : createUnkeptMailboxes(hub);
  const privateEndpoints = createPrivateEndpoints({ store, vault: options.vault ?? createEphemeralVault() });
  return { ...base, privateEndpoints, queries, rooms, sessions, mailboxes };
}

function pressureLimitsOf({ maxEventLoopDelayMs, maxHeapBytes, maxRssBytes }: Limits): PressureLimits {
  return { maxEventLoopDelayMs, maxHeapBytes, maxRssBytes };
}
