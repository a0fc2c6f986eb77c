import type { AnalyticsInfo } from "@sparql-live/protocol/admin";
import { SERVER_LIMITS } from "../limits.js";
import type { AnalyticsDay } from "../store.js";

export function analyticsInfoOf(day: AnalyticsDay): AnalyticsInfo {
  const { latency } = day;
  return {
    day: day.day,
    endpoint_id: day.endpointId,
    questions: day.question,
    queries: day.sparql,
    completed: day.completed,
    failed: day.failed,
    cancelled: day.cancelled,
    rows: day.rows,
    latency_ms: {
      count: latency.count,
      sum: latency.sumMs,
      max: latency.maxMs,
      buckets: latency.buckets.map((count, index) => ({
        le: SERVER_LIMITS.analyticsBucketsMs[index] ?? null,
        count,
      })),
    },
    texts: [...day.texts],
  };
}
