import { type Benchmark, runBenchmark } from "./realtime/benchmark.js";
import { CONTENDER_IDS } from "./realtime/contenders.js";
import { lostShareOf, phaseOf, runLoad } from "./realtime/load.js";
import { startServer } from "./realtime/server-process.js";

const MESSAGE_BYTES = 200;
const WARM_UP_S = 0.5;
const DEADLINE_S = 60;

/**
 * Requests and their answers, one in flight on each connection: a message to a room that nobody else is in, until it
 * is acknowledged (validation, room and store included), and a ping until its pong.
 */
const RTT: Benchmark = {
  defaults: { rounds: 5, connections: 100, seconds: 3, sources: 1, servers: CONTENDER_IDS },
  title: ({ connections }) => `Requests and answers, one in flight on each of ${connections} connections`,
  metrics: [
    { key: "publishPerSecond", name: "message to acknowledgement, per second", unit: "1/s" },
    { key: "publishMs", name: "message to acknowledgement, p50", unit: "ms" },
    { key: "publishP99Ms", name: "message to acknowledgement, p99", unit: "ms" },
    { key: "publishCpuUs", name: "message to acknowledgement, CPU", unit: "µs" },
    { key: "pingPerSecond", name: "ping to pong, per second", unit: "1/s" },
    { key: "pingMs", name: "ping to pong, p50", unit: "ms" },
    { key: "pingP99Ms", name: "ping to pong, p99", unit: "ms" },
    { key: "pingCpuUs", name: "ping to pong, CPU", unit: "µs" },
    { key: "lostPercent", name: "taken by other processes of one of the cores", unit: "%" },
  ],
  ratios: [
    { key: "publishPerSecond", of: "ours", to: "socket.io", goal: "≥ 1" },
    { key: "publishPerSecond", of: "ours-file", to: "socket.io" },
    { key: "pingPerSecond", of: "ours", to: "socket.io", goal: "≥ 1" },
  ],
  async measure(rig, contender, { connections, seconds, sources }) {
    await using server = await startServer(rig, contender);
    const drive = async (request: "publish" | "ping") => {
      const figures = await runLoad(rig, "drive", server, {
        connections,
        sources,
        seconds,
        deadline: DEADLINE_S + seconds,
        room: "own",
        request,
        publishers: connections,
        windows: [connections],
        bytes: MESSAGE_BYTES,
        "warm-up": WARM_UP_S,
      });
      return phaseOf(figures, 0, contender.title);
    };
    const publish = await drive("publish");
    const ping = await drive("ping");
    return {
      publishPerSecond: publish.messages / publish.elapsedS,
      publishMs: publish.lastMs.p50,
      publishP99Ms: publish.lastMs.p99,
      publishCpuUs: (publish.cpuS * 1e6) / publish.messages,
      pingPerSecond: ping.messages / ping.elapsedS,
      pingMs: ping.lastMs.p50,
      pingP99Ms: ping.lastMs.p99,
      pingCpuUs: (ping.cpuS * 1e6) / ping.messages,
      lostPercent: 100 * Math.max(lostShareOf(publish), lostShareOf(ping)),
    };
  },
};

export async function main(args: readonly string[]): Promise<void> {
  await runBenchmark(RTT, args);
}
