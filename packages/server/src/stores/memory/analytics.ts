import type { AnalyticsDay, AnalyticsRecords } from "../../store.js";
import { withSample } from "../analytics-day.js";

export function createMemoryAnalytics(): AnalyticsRecords {
  const days = new Map<string, Map<string, AnalyticsDay>>();
  return {
    async add(sample) {
      const ofDay = days.get(sample.day) ?? new Map<string, AnalyticsDay>();
      days.set(sample.day, ofDay);
      ofDay.set(sample.endpointId, withSample(ofDay.get(sample.endpointId) ?? null, sample));
    },
    async between(from, to) {
      const found = [...days.entries()].filter(([day]) => day >= from && day <= to);
      return found
        .sort(([a], [b]) => compare(a, b))
        .flatMap(([, ofDay]) => [...ofDay.values()].sort((a, b) => compare(a.endpointId, b.endpointId)));
    },
    async deleteBefore(day) {
      for (const known of [...days.keys()]) if (known < day) days.delete(known);
    },
  };
}

/** As the file orders them: by their bytes. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
