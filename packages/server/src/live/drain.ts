import { FAILURES } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Link } from "../realtime/link.js";
import type { Peer } from "../realtime/peer.js";
import { createSignal } from "../signal.js";
import type { Parts } from "./parts.js";

/**
 * How a server ends. `serving`; `leaving`: it takes everything but says that it is not ready; `draining`: it takes
 * nothing new; `closing`: connections are closed, and then everything is.
 */
export type DrainStage = "serving" | "leaving" | "draining" | "closing";

export interface DrainOptions {
  /** Milliseconds in which everything is still taken, for load balancers to see it. At most 10 000. */
  readonly graceMs?: number;
  /** Milliseconds after that in which running queries may end by themselves. At most 17 000, the grace included. */
  readonly queriesMs?: number;
}

/** The end of a server. */
export interface Drain {
  readonly stage: DrainStage;
  /** Settles when everything is closed. Done once: a second call waits for the first. */
  begin(options: DrainOptions): Promise<void>;
  /** To who is let in only now, once everybody was told that the server drains. */
  tell(peer: Peer): void;
  /** Waits no longer, for nothing that can be cancelled. */
  hurry(): void;
  /** Settles at the end, whoever asked for it. */
  readonly done: Promise<void>;
}

export interface DrainDeps
  extends Pick<
    Parts,
    | "intake"
    | "pressure"
    | "runs"
    | "queries"
    | "analytics"
    | "hub"
    | "lobby"
    | "wheel"
    | "rooms"
    | "broadcasts"
    | "mailboxes"
    | "log"
  > {
  /** What is done without being asked for. */
  readonly stopPushing: () => void;
  readonly stopSweeping: () => void;
}

export function createDrain(deps: DrainDeps): Drain {
  const hurried = createSignal<void>();
  const done = createSignal<void>();
  let stage: DrainStage = "serving";
  let draining: Promise<void> | null = null;
  let announced: Announced | null = null;

  const drain = async ({ graceMs = 0, queriesMs = 0 }: DrainOptions) => {
    const { intake, hub, log } = deps;
    const boundedGraceMs = Math.min(graceMs, SERVER_LIMITS.maxDrainGraceMs);
    const boundedQueriesMs = Math.min(queriesMs, SERVER_LIMITS.drainWaitMs - boundedGraceMs);
    log.info({ connections: hub.size, queries: deps.runs.activeCount }, "shutting down");
    stage = "leaving";
    await settledWithin(hurried.promise, boundedGraceMs);
    stage = "draining";
    intake.shut();
    deps.stopPushing();
    announced = announce(deps, boundedQueriesMs);
    await settledWithin(Promise.race([deps.runs.idle(), hurried.promise]), boundedQueriesMs);
    await endRuns(deps);
    stage = "closing";
    await closeConnections(deps, announced.returns);
    await closeParts(deps);
    log.info("shut down");
  };

  return {
    get stage() {
      return stage;
    },
    begin(options) {
      draining ??= drain(options).finally(done.resolve);
      return draining;
    },
    tell(peer) {
      if (announced !== null && stage === "draining") tellReturn(peer, announced);
    },
    hurry: () => hurried.resolve(),
    done: done.promise,
  };
}

/** When each connection is to return, by its socket: told now, and once more when it is closed. */
type Returns = ReadonlyMap<Link, number>;

interface Announced {
  readonly returns: Returns;
  /** When connections are closed, on the clock of `performance.now()`. */
  readonly closesAtMs: number;
}

/** Everybody is told another time, so that they do not all return in the same moment; who is nobody yet, later. */
function announce({ hub, lobby }: DrainDeps, closesInMs: number): Announced {
  const peers = [...hub.all(), ...lobby.all()];
  const spreadMs = returnSpreadMs(peers.length);
  const returns = new Map<Link, number>();
  for (const { link } of peers) {
    if (link !== null) returns.set(link, Math.round(SERVER_LIMITS.minReturnMs + Math.random() * spreadMs));
  }
  const announced = { returns, closesAtMs: performance.now() + closesInMs };
  for (const peer of hub.all()) tellReturn(peer, announced);
  return announced;
}

function tellReturn(peer: Peer, { returns, closesAtMs }: Announced): void {
  const retryAfterMs = peer.link === null ? undefined : returns.get(peer.link);
  if (retryAfterMs === undefined) return;
  const closesInMs = Math.max(0, Math.round(closesAtMs - performance.now()));
  peer.send("server_draining", { retry_after_ms: retryAfterMs, closes_in_ms: closesInMs });
}

/** Over how long so many connections return. */
export function returnSpreadMs(connectionsCount: number): number {
  const { returnSpreadMsPerConnection, minReturnSpreadMs, maxReturnSpreadMs } = SERVER_LIMITS;
  return Math.min(
    maxReturnSpreadMs,
    Math.max(minReturnSpreadMs, connectionsCount * returnSpreadMsPerConnection),
  );
}

async function endRuns({ runs, queries, analytics }: DrainDeps): Promise<void> {
  runs.cancelAll("shutdown");
  await settledWithin(runs.idle(), SERVER_LIMITS.shutdownTimeoutMs);
  await settledWithin(queries?.settled() ?? Promise.resolve(), SERVER_LIMITS.shutdownTimeoutMs);
  await settledWithin(analytics.settled(), SERVER_LIMITS.shutdownTimeoutMs);
}

/** In groups: to close thousands in one turn would hold up what was acknowledged and is still to be told. */
async function closeConnections({ hub, lobby }: DrainDeps, returns: Returns): Promise<void> {
  const links = [...hub.all(), ...lobby.all()].flatMap(({ link }) => link ?? []);
  const groupMs = 10;
  const spreadMs = Math.min(SERVER_LIMITS.drainSpreadMs, links.length / SERVER_LIMITS.drainClosesPerMs);
  const groupLength = Math.ceil(links.length / Math.max(1, spreadMs / groupMs));
  for (let start = 0; start < links.length; start += groupLength) {
    if (start > 0) await settledWithin(hub.emptied(), groupMs);
    for (const link of links.slice(start, start + groupLength)) {
      const retryAfterMs = returns.get(link) ?? SERVER_LIMITS.drainRetryAfterMs;
      link.close("going_away", FAILURES.going_away.close, retryAfterMs);
    }
  }
  await settledWithin(hub.emptied(), SERVER_LIMITS.shutdownTimeoutMs);
  for (const link of links) link.terminate();
}

async function closeParts({
  pressure,
  mailboxes,
  stopSweeping,
  wheel,
  queries,
  rooms,
  broadcasts,
}: DrainDeps): Promise<void> {
  // Before the storage is closed: what was taken out of a queue is noted there, or comes again.
  await settledWithin(mailboxes.settled(), SERVER_LIMITS.shutdownTimeoutMs);
  pressure.close();
  stopSweeping();
  wheel.close();
  queries?.close();
  await rooms.close();
  broadcasts.close();
}

async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  if (timeoutMs <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
