import { SERVER_LIMITS } from "../limits.js";
import type { StorageBounds } from "../storage-bounds.js";
import type { Settings } from "./table.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type RetentionSettings = Pick<
  Settings,
  "roomLogEntries" | "roomLogHours" | "historyRuns" | "historyDays" | "mailboxMessages" | "mailboxDays"
>;

/** How much is kept, and for how long, as a storage takes it. */
export function retentionBoundsOf(settings: RetentionSettings): Partial<StorageBounds> {
  return {
    roomLogs: {
      ...SERVER_LIMITS.roomLogs,
      maxEntriesCount: settings.roomLogEntries,
      maxAgeMs: settings.roomLogHours * HOUR_MS,
    },
    historyRunsCount: settings.historyRuns,
    historyAgeMs: settings.historyDays * DAY_MS,
    queueEntriesCount: settings.mailboxMessages,
    queueEntryAgeMs: settings.mailboxDays * DAY_MS,
  };
}
