/** Bounds of the client for admins, beside those of every client. Times in milliseconds. */
export const ADMIN_CLIENT_LIMITS = {
  /** Actions that wait for an answer. */
  pendingActionsCount: 100,
  watchersCount: 100,
  /** Tries after the first one that was refused, where no socket was ever let in with the credential. */
  retriesOfRefusedCount: 2,
  /** Between two pushes of metrics: where nobody says otherwise, and the least and most that the server takes. */
  metricsIntervalMs: 1_000,
  minMetricsIntervalMs: 250,
  maxMetricsIntervalMs: 60_000,
  /** Without a message for so long it is asked whether the server is there. */
  heartbeatIntervalMs: 30_000,
} as const;
