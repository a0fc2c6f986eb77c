import { type Benchmark, runBenchmark } from "./realtime/benchmark.js";
import { CONTENDER_IDS } from "./realtime/contenders.js";
import { lostShareOf, type Phase, phaseOf, runLoad } from "./realtime/load.js";
import type { Samples } from "./realtime/rounds.js";
import { makeSharedRoom, startServer } from "./realtime/server-process.js";

const PUBLISHERS = 16;
const IN_FLIGHT = 16;
const MESSAGE_BYTES = 200;
const WARM_UP_S = 0.5;
const DEADLINE_S = 120;

/**
 * Messages to a room of all connections: one at a time, and with 16 in flight from 16 members. A message is in flight
 * until its last receiver has it and its sender the acknowledgement; both count as deliveries.
 */
const FANOUT: Benchmark = {
  defaults: { rounds: 5, connections: 1_000, seconds: 3, sources: 1, servers: CONTENDER_IDS },
  title: ({ connections }) =>
    `Fan-out, a room of ${connections}, texts of ${MESSAGE_BYTES} bytes, server and load generator on a core each`,
  metrics: [
    { key: "oneLastMs", name: "one message, last delivery, p50", unit: "ms" },
    { key: "oneLastP99Ms", name: "one message, last delivery, p99", unit: "ms" },
    { key: "oneCpuUs", name: "one message, CPU per delivery", unit: "µs" },
    { key: "manyPerSecond", name: `${IN_FLIGHT} in flight, deliveries per second`, unit: "1/s" },
    { key: "manyCpuUs", name: `${IN_FLIGHT} in flight, CPU per delivery`, unit: "µs" },
    { key: "manyEachMs", name: `${IN_FLIGHT} in flight, time to a delivery, p50`, unit: "ms" },
    { key: "manyEachP99Ms", name: `${IN_FLIGHT} in flight, time to a delivery, p99`, unit: "ms" },
    { key: "lostPercent", name: "taken by other processes of one of the cores", unit: "%" },
  ],
  ratios: [
    { key: "oneCpuUs", of: "ours", to: "floor", goal: "≤ 1.6" },
    { key: "oneCpuUs", of: "ours", to: "socket.io", goal: "≤ 0.8" },
    { key: "oneCpuUs", of: "ours-file", to: "floor" },
    { key: "oneCpuUs", of: "ours-file", to: "socket.io" },
    { key: "manyPerSecond", of: "ours", to: "socket.io", goal: "≥ 10" },
    { key: "manyPerSecond", of: "ours", to: "fastapi", goal: "≥ 15" },
    { key: "manyCpuUs", of: "ours", to: "socket.io" },
    { key: "manyPerSecond", of: "ours-file", to: "socket.io" },
    { key: "manyPerSecond", of: "ours-file", to: "fastapi" },
  ],
  async measure(rig, contender, { connections, seconds, sources }) {
    await using server = await startServer(rig, contender);
    await makeSharedRoom(server, connections);
    const figures = await runLoad(rig, "drive", server, {
      connections,
      sources,
      seconds,
      deadline: DEADLINE_S + 2 * seconds,
      room: "shared",
      publishers: Math.min(PUBLISHERS, connections),
      windows: [1, IN_FLIGHT],
      bytes: MESSAGE_BYTES,
      "warm-up": WARM_UP_S,
    });
    const one = phaseOf(figures, 0, contender.title);
    const many = phaseOf(figures, 1, contender.title);
    return samplesOf(one, many);
  },
};

export async function main(args: readonly string[]): Promise<void> {
  await runBenchmark(FANOUT, args);
}

function samplesOf(one: Phase, many: Phase): Samples {
  return {
    oneLastMs: one.lastMs.p50,
    oneLastP99Ms: one.lastMs.p99,
    oneCpuUs: (one.cpuS * 1e6) / one.deliveries,
    manyPerSecond: many.deliveries / many.elapsedS,
    manyCpuUs: (many.cpuS * 1e6) / many.deliveries,
    manyEachMs: many.eachMs.p50,
    manyEachP99Ms: many.eachMs.p99,
    lostPercent: 100 * Math.max(lostShareOf(one), lostShareOf(many)),
  };
}
