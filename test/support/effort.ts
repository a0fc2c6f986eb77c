const LONG = process.env.CHAOS === "long";

/** How much the tests of test/chaos do: little in `npm test`, much in `npm run test:chaos`, which sets `CHAOS=long`. */
export const EFFORT = LONG
  ? {
      killRounds: 20,
      reconnectionSchedules: 1_000,
      usageSchedules: 1_000,
      restartRounds: 3,
      restartMessagesPerSecond: 1_000,
      interleavingSteps: 400_000,
      fuzzedCount: 1_000_000,
      modelRuns: 20_000,
      timeoutMs: 1_800_000,
      firstSeed: randomSeed(),
    }
  : {
      killRounds: 2,
      reconnectionSchedules: 50,
      usageSchedules: 20,
      restartRounds: 1,
      restartMessagesPerSecond: 300,
      interleavingSteps: 10_000,
      fuzzedCount: 50_000,
      modelRuns: 400,
      timeoutMs: 120_000,
      firstSeed: 1,
    };

/** The short form is the same each time: it tells whether a change broke something. The long one looks for more. */
function randomSeed(): number {
  return Math.floor(Math.random() * 1_000_000_000);
}
