import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Cores {
  readonly server: string;
  readonly generator: string;
}

/**
 * A core for the server and another for the generator, which spins: the first two that this process may use.
 * Throws where there are none, or nothing to pin a process with.
 */
export function chooseCores(): Cores {
  if (spawnSync("taskset", ["-V"]).error !== undefined) {
    throw new Error("There is no taskset, which pins a process to a core: apt-get install util-linux.");
  }
  const status = readFileSync("/proc/self/status", "utf8");
  const ranges = status.match(/^Cpus_allowed_list:\s*(\S+)$/m)?.[1]?.split(",") ?? [];
  const [server, generator] = ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return first === last ? [first] : [first, first + 1];
  });
  if (server === undefined || generator === undefined) {
    throw new Error("A core for the server and another for the load generator are needed.");
  }
  return { server: String(server), generator: String(generator) };
}
