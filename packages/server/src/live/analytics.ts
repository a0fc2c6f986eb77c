import type { EndpointRegistry } from "@sparql-live/engine";
import type { Logger } from "pino";
import { SERVER_LIMITS } from "../limits.js";
import type { AnalyticsDay, RunSummary, Store } from "../store.js";

interface AnalyticsOptions {
  /** How many days are kept, today included; 0: nothing is counted. */
  readonly daysCount: number;
  /** Whether the texts of questions and queries are kept too. */
  readonly keepsTexts: boolean;
}

/** What is counted of a run that is over. */
type CountedRun = Pick<RunSummary, "kind" | "text" | "outcome" | "rowCount" | "startedAtMs" | "endedAtMs">;

/** Which endpoint a request names. */
interface NamedEndpoint {
  readonly endpointId?: string;
  readonly endpointUrl?: string;
}

interface AnalyticsRange {
  /** UTC, `2026-03-01`. Default: a month ago. */
  readonly from?: string | undefined;
  /** Default: today. */
  readonly to?: string | undefined;
}

/** How many questions and queries there were, what became of them, and how long they took: by endpoint and day. */
export interface Analytics {
  /** Not waited for: a run does not wait for the disk. */
  count(run: CountedRun, named: NamedEndpoint): void;
  /** What was counted before is in it. */
  between(range: AnalyticsRange): Promise<readonly AnalyticsDay[]>;
  /** Settles when what was counted is stored, or has failed to be. */
  settled(): Promise<void>;
}

interface AnalyticsDeps {
  readonly store: Pick<Store, "analytics">;
  /** `null` where there is no engine. */
  readonly endpoints: Pick<EndpointRegistry, "get"> | null;
  readonly log: Logger;
}

const DAY_MS = 24 * 3_600_000;

export function createAnalytics(
  { daysCount, keepsTexts }: AnalyticsOptions,
  { store: { analytics }, endpoints, log }: AnalyticsDeps,
): Analytics {
  const pending = new Set<Promise<void>>();
  let prunedDay = "";

  /** Once a day, with the first run of it. */
  const prune = async (nowMs: number) => {
    const today = dayOf(nowMs);
    if (prunedDay === today) return;
    prunedDay = today;
    await analytics.deleteBefore(dayOf(nowMs - (daysCount - 1) * DAY_MS));
  };
  const store = async (run: CountedRun, endpointId: string) => {
    await prune(run.endedAtMs);
    await analytics.add({
      day: dayOf(run.endedAtMs),
      endpointId,
      kind: run.kind,
      outcome: run.outcome,
      latencyMs: Math.max(0, run.endedAtMs - run.startedAtMs),
      rowCount: run.rowCount,
      text: keepsTexts ? run.text : null,
    });
  };
  /** A closed list: what clients invent must not grow the store. */
  const nameOf = ({ endpointId = "local", endpointUrl }: NamedEndpoint): string => {
    if (endpointUrl !== undefined) return "(by address)";
    return endpoints?.get(endpointId) === undefined ? "(unknown)" : endpointId;
  };
  const settled = async () => {
    await Promise.all(pending);
  };

  return {
    count(run, named) {
      if (daysCount === 0 || pending.size >= SERVER_LIMITS.analyticsWaitingCount) return;
      const stored = store(run, nameOf(named))
        .catch((error: unknown) => log.warn({ err: error }, "a run could not be counted"))
        .finally(() => pending.delete(stored));
      pending.add(stored);
    },
    async between({ from, to }) {
      await settled();
      const nowMs = Date.now();
      const firstMs = nowMs - (SERVER_LIMITS.analyticsToldDaysCount - 1) * DAY_MS;
      return analytics.between(from ?? dayOf(firstMs), to ?? dayOf(nowMs));
    },
    settled,
  };
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
