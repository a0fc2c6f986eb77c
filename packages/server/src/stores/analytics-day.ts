import { SERVER_LIMITS } from "../limits.js";
import type { AnalyticsDay, AnalyticsSample } from "../store.js";

/** A day with one more run in it. */
export function withSample(day: AnalyticsDay | null, sample: AnalyticsSample): AnalyticsDay {
  const before = day ?? emptyDay(sample);
  return {
    ...before,
    [sample.kind]: before[sample.kind] + 1,
    [sample.outcome]: before[sample.outcome] + 1,
    rows: before.rows + sample.rowCount,
    latency: sample.outcome === "completed" ? withLatency(before.latency, sample.latencyMs) : before.latency,
    texts: withText(before.texts, sample.text),
  };
}

function emptyDay({ day, endpointId }: AnalyticsSample): AnalyticsDay {
  return {
    day,
    endpointId,
    question: 0,
    sparql: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    rows: 0,
    latency: {
      count: 0,
      sumMs: 0,
      maxMs: 0,
      buckets: Array.from({ length: SERVER_LIMITS.analyticsBucketsMs.length + 1 }, () => 0),
    },
    texts: [],
  };
}

function withLatency(latency: AnalyticsDay["latency"], ms: number): AnalyticsDay["latency"] {
  const { analyticsBucketsMs: bounds } = SERVER_LIMITS;
  const found = bounds.findIndex((bound) => ms <= bound);
  const index = found === -1 ? bounds.length : found;
  return {
    count: latency.count + 1,
    sumMs: latency.sumMs + ms,
    maxMs: Math.max(latency.maxMs, ms),
    buckets: latency.buckets.map((count, at) => (at === index ? count + 1 : count)),
  };
}

function withText(texts: readonly string[], text: string | null): readonly string[] {
  if (text === null || texts.length >= SERVER_LIMITS.analyticsTextsCount) return texts;
  return [...texts, text.slice(0, SERVER_LIMITS.analyticsTextCharacters)];
}
