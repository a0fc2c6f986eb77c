import type { Logger } from "pino";
import type { Broker } from "../broker.js";
import type { QueryRuns } from "../features/query/query-runs.js";
import { type Limits, type LiveOptions, limitsOf, tickMsOf } from "../live-options.js";
import { type Broadcasts, openBroadcasts } from "../realtime/broadcasts.js";
import { type Counters, createCounters } from "../realtime/counters.js";
import { createHub, type Hub } from "../realtime/hub.js";
import { createMailboxes, createUnkeptMailboxes, type Mailboxes } from "../realtime/mailboxes.js";
import { createNoRooms } from "../realtime/rooms/no-rooms.js";
import { createRooms, type Rooms } from "../realtime/rooms/rooms.js";
import { createRuns, type Runs } from "../realtime/runs.js";
import { createSessions, type Sessions } from "../realtime/sessions.js";
import { createTicker, type Ticker } from "../realtime/ticker.js";
import { createWheel, type Wheel } from "../realtime/wheel.js";
import type { Store } from "../store.js";
import { createGate, type Gate } from "./gate.js";
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
  readonly gate: Gate;
  /** Runs that connections watch; `null` where there is no engine. */
  readonly queries: QueryRuns | null;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly mailboxes: Mailboxes;
}

/** Throws what the broker throws where its logs cannot be read. */
export async function openParts(options: LiveOptions): Promise<Parts> {
  const { broker, store } = options.storage;
  const hub = createHub();
  const broadcasts = await openBroadcasts(broker, hub);
  const limits = limitsOf(options);
  const counters = createCounters();
  const pressure = watchPressure(pressureLimitsOf(limits), options.log);
  const gate = createGate(pressure, () => counters.queriesShed++);
  const base = {
    broker,
    store,
    log: options.log,
    limits,
    counters,
    ticker: createTicker(),
    wheel: createWheel(tickMsOf(limits)),
    hub,
    broadcasts,
    runs: createRuns({ admit: gate.admitQuery }),
    pressure,
    gate,
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
  return { ...base, queries, rooms, sessions, mailboxes };
}

function pressureLimitsOf({ maxEventLoopDelayMs, maxHeapBytes, maxRssBytes }: Limits): PressureLimits {
  return { maxEventLoopDelayMs, maxHeapBytes, maxRssBytes };
}
