import { type Benchmark, runBenchmark } from "./realtime/benchmark.js";
import type { Contender } from "./realtime/contenders.js";
import { runLoad } from "./realtime/load.js";
import type { BenchOptions } from "./realtime/options.js";
import type { Rig } from "./realtime/rig.js";
import type { Samples } from "./realtime/rounds.js";
import { makeSharedRoom, startServer } from "./realtime/server-process.js";

const AT_A_TIME = 100;
const DEADLINE_S = 180;
const RETURN_WITHIN_S = 1;
const MISSED_MESSAGES = 10;

/**
 * Connections from nothing to the greeting; and a storm: members of one room are lost at once, miss some messages,
 * and return within one second with a `resume`. Who is refused returns when it was told to. One is back when it has
 * every message that it missed, in order and once; when all are back a message has to reach each of them once.
 */
const CHURN: Benchmark = {
  defaults: {
    rounds: 5,
    connections: 5_000,
    seconds: 60,
    sources: 4,
    servers: ["ours", "ours-file", "ws", "socket.io", "fastapi", "floor"],
  },
  title: ({ connections }) =>
    `Churn: ${connections} connections, and a storm of as many that return within one second`,
  metrics: [
    { key: "perSecond", name: `connects per second, ${AT_A_TIME} at a time`, unit: "1/s" },
    { key: "cpuUs", name: "CPU per connect", unit: "µs" },
    { key: "backPercent", name: "storm, back within 20 s", unit: "%", goal: "≥ 99" },
    { key: "medianS", name: "storm, half are back after", unit: "s" },
    { key: "p99S", name: "storm, 99 % are back after", unit: "s", goal: "≤ 20" },
    { key: "refusals", name: "storm, refusals and losses on the way", unit: "" },
    { key: "unrecovered", name: "storm, back with a gap", unit: "", goal: "0" },
  ],
  ratios: [{ key: "perSecond", of: "ours", to: "ws" }],
  async measure(rig, contender, options) {
    const connects = await measureConnects(rig, contender, options);
    return contender.resumes ? { ...connects, ...(await measureStorm(rig, contender, options)) } : connects;
  },
};

export async function main(args: readonly string[]): Promise<void> {
  await runBenchmark(CHURN, args);
}

async function measureConnects(
  rig: Rig,
  contender: Contender,
  { connections, sources }: BenchOptions,
): Promise<Samples> {
  await using server = await startServer(rig, contender);
  const { elapsedS, cpuS } = await runLoad(rig, "connect", server, {
    connections,
    sources,
    deadline: DEADLINE_S,
    "at-a-time": AT_A_TIME,
  });
  return { perSecond: connections / elapsedS, cpuUs: (cpuS * 1e6) / connections };
}

async function measureStorm(
  rig: Rig,
  contender: Contender,
  { connections, seconds, sources }: BenchOptions,
): Promise<Samples> {
  await using server = await startServer(rig, contender);
  // One stays and goes on writing.
  const members = connections + 1;
  await makeSharedRoom(server, members);
  const storm = await runLoad(rig, "storm", server, {
    connections: members,
    sources,
    seconds,
    deadline: DEADLINE_S + seconds,
    return: RETURN_WITHIN_S,
    missed: MISSED_MESSAGES,
  });
  return {
    backPercent: (storm.backWithin20S / storm.clients) * 100,
    medianS: storm.medianS,
    p99S: storm.p99S,
    refusals: storm.refusals,
    unrecovered: storm.unrecovered,
  };
}
