/** Bounds of what an admin may ask for. */
export const ADMIN_LIMITS = {
  /** Connections that one answer lists, where nobody says otherwise and at most. */
  listedConnectionsCount: 1_000,
  maxListedConnectionsCount: 10_000,
  /** The same of rooms, private ones too. */
  listedRoomsCount: 100,
  maxListedRoomsCount: 500,
  maxBroadcastCharacters: 10_000,
  /** Between two pushes of metrics. */
  minMetricsIntervalMs: 250,
  maxMetricsIntervalMs: 60_000,
  defaultMetricsIntervalMs: 1_000,
} as const;
