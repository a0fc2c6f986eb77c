import type { AnalyticsDay } from "../store.js";
import { withSample } from "../stores/analytics-day.js";
import type { Handlers } from "./operations.js";
import { checksum, type Row, type Sql, text, verify } from "./sql.js";

type AnalyticsOperation = "addToAnalytics" | "analyticsBetween" | "deleteAnalyticsBefore";

export function createAnalyticsTable(sql: Sql): Handlers<AnalyticsOperation> {
  const select = sql.prepare(
    "SELECT day, endpoint, crc, record FROM analytics WHERE day = ? AND endpoint = ?",
  );
  const selectBetween = sql.prepare(
    "SELECT day, endpoint, crc, record FROM analytics WHERE day BETWEEN ? AND ? ORDER BY day, endpoint",
  );
  const put = sql.prepare("INSERT OR REPLACE INTO analytics VALUES (?, ?, ?, ?)");
  const removeBefore = sql.prepare("DELETE FROM analytics WHERE day < ?");

  return {
    addToAnalytics(sample) {
      const { day, endpointId } = sample;
      const row = select.get(day, endpointId);
      // The row's checksum was right: it is what was put.
      const before = row === undefined ? null : (JSON.parse(toJson(row)) as AnalyticsDay);
      const json = JSON.stringify(withSample(before, sample));
      put.run(day, endpointId, checksum(day, endpointId, json), json);
      return null;
    },
    analyticsBetween: ({ from, to }) => selectBetween.all(from, to).map(toJson),
    deleteAnalyticsBefore({ day }) {
      removeBefore.run(day);
      return null;
    },
  };
}

function toJson([day, endpoint, crc, record]: Row): string {
  const json = text(record);
  verify(crc, checksum(text(day), text(endpoint), json), "the counts of a day");
  return json;
}
