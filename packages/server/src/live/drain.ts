import { FAILURES } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import type { Parts } from "./parts.js";

/** The end of a server. */
export interface Drain {
  readonly isUnderWay: boolean;
  /** Cancels and tells running queries, then closes every connection with a hint when to return. Done once. */
  begin(): Promise<void>;
}

export interface DrainDeps
  extends Pick<Parts, "runs" | "queries" | "hub" | "lobby" | "wheel" | "rooms" | "broadcasts" | "mailboxes"> {
  /** What is done without being asked for. */
  readonly stopPushing: () => void;
  readonly stopSweeping: () => void;
}

export function createDrain(deps: DrainDeps): Drain {
  let closing: Promise<void> | null = null;

  const drain = async () => {
    deps.stopPushing();
    await endRuns(deps);
    await closeConnections(deps);
    // Before the storage is closed: what was taken out of a queue is noted there, or comes again.
    await settledWithin(deps.mailboxes.settled(), SERVER_LIMITS.shutdownTimeoutMs);
    deps.stopSweeping();
    deps.wheel.close();
    deps.queries?.close();
    await deps.rooms.close();
    deps.broadcasts.close();
  };

  return {
    get isUnderWay() {
      return closing !== null;
    },
    begin() {
      closing ??= drain();
      return closing;
    },
  };
}

async function endRuns({ runs, queries }: DrainDeps): Promise<void> {
  runs.cancelAll("shutdown");
  await settledWithin(runs.idle(), SERVER_LIMITS.shutdownTimeoutMs);
  await settledWithin(queries?.settled() ?? Promise.resolve(), SERVER_LIMITS.shutdownTimeoutMs);
}

async function closeConnections({ hub, lobby }: DrainDeps): Promise<void> {
  const links = [...hub.all(), ...lobby.all()].map(({ link }) => link);
  for (const link of links) {
    // Spread, so that they do not all return in the same moment.
    link?.close("going_away", FAILURES.going_away.close, 1_000 + Math.random() * 4_000);
  }
  await settledWithin(hub.emptied(), SERVER_LIMITS.closeTimeoutMs);
  for (const link of links) link?.terminate();
}

async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
