import { type Benchmark, runBenchmark } from "./realtime/benchmark.js";
import { runLoad } from "./realtime/load.js";
import { makeSharedRoom, startServer } from "./realtime/server-process.js";

const DEADLINE_S = 300;

/**
 * What a connection costs that has joined the one room and does nothing: the server's resident memory over that of
 * the empty server, as it stands a while after the last has come, and after its garbage was collected.
 */
const MEMORY: Benchmark = {
  defaults: {
    rounds: 5,
    connections: 10_000,
    seconds: 3,
    sources: 4,
    servers: ["ours", "ws", "socket.io", "fastapi"],
  },
  title: ({ connections }) => `Memory of ${connections} idle connections in one room`,
  metrics: [
    { key: "settledKb", name: "RSS per connection", unit: "KB", goal: "≤ 12" },
    { key: "collectedKb", name: "RSS per connection, garbage collected", unit: "KB" },
    { key: "emptyMb", name: "RSS of the empty server", unit: "MB" },
  ],
  ratios: [
    { key: "settledKb", of: "ours", to: "ws" },
    { key: "settledKb", of: "ours", to: "socket.io" },
  ],
  async measure(rig, contender, { connections, seconds, sources }) {
    await using server = await startServer(rig, contender);
    await makeSharedRoom(server, connections);
    const { beforeKb, settledKb, collectedKb } = await runLoad(rig, "idle", server, {
      connections,
      sources,
      seconds,
      deadline: DEADLINE_S + seconds,
    });
    return {
      settledKb: (settledKb - beforeKb) / connections,
      collectedKb: (collectedKb - beforeKb) / connections,
      emptyMb: beforeKb / 1_024,
    };
  },
};

export async function main(args: readonly string[]): Promise<void> {
  await runBenchmark(MEMORY, args);
}
