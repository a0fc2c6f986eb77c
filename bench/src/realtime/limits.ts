export const BENCH_LIMITS = {
  startTimeoutMs: 30_000,
  endTimeoutMs: 5_000,
  /** Of what a server writes to its standard error, told where it fails. */
  maxComplaintCharacters: 2_000,
  /** Over the deadline that the generator keeps by itself. */
  generatorGraceMs: 5_000,
  /** A generator that idles less while the server idles more may be what was measured. */
  minIdleShare: 0.05,
  /** Above it what other processes did was measured too. */
  maxLostShare: 0.05,
} as const;
