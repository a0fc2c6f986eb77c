import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender } from "./contenders.js";
import { BENCH_LIMITS } from "./limits.js";
import type { Rig } from "./rig.js";

/** The name that the load generator knows. */
const SHARED_ROOM = "shared";

/** A contender that listens, in a process of its own on a core of its own. */
export interface RunningServer extends AsyncDisposable {
  readonly contender: Contender;
  readonly pid: number;
  readonly port: number;
}

/** Rejects with what it said where it does not tell its port in time. */
export async function startServer({ cores }: Rig, contender: Contender): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), "bench-server-"));
  const child = spawn("taskset", ["-c", cores.server, ...contender.command(folder)]);
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints = (complaints + text).slice(-BENCH_LIMITS.maxComplaintCharacters);
  });
  const end = async () => {
    await endProcess(child);
    await rm(folder, { recursive: true });
  };
  try {
    const port = await portOf(child);
    // `taskset` becomes the program that it starts, so that the id is the server's.
    if (child.pid === undefined) throw new Error("It has no process id.");
    return { contender, pid: child.pid, port, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw new Error(`It did not start: ${complaints.trim() || String(error)}`);
  }
}

async function portOf(child: ChildProcessWithoutNullStreams): Promise<number> {
  const signal = AbortSignal.timeout(BENCH_LIMITS.startTimeoutMs);
  const lost = new AbortController();
  try {
    const [line] = await Promise.race([
      once(child.stdout, "data", { signal: AbortSignal.any([signal, lost.signal]) }),
      once(child, "exit", { signal: lost.signal }).then(([code]): never => {
        throw new Error(`It ended with ${code}.`);
      }),
    ]);
    const port = Number(String(line).trim());
    if (!Number.isInteger(port)) throw new Error(`It told no port, but: ${line}`);
    return port;
  } finally {
    lost.abort();
  }
}

/** Its input is closed, which it takes as the request to go; one that stays is killed. */
async function endProcess(child: ChildProcessWithoutNullStreams): Promise<void> {
  child.stdin.destroy();
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  const overdue = setTimeout(() => child.kill("SIGKILL"), BENCH_LIMITS.endTimeoutMs);
  await exited;
  clearTimeout(overdue);
}

/** A room that so many may join, where the server does not let them by itself. */
export async function makeSharedRoom(
  { contender, port }: RunningServer,
  membersCount: number,
): Promise<void> {
  if (!contender.boundsRooms) return;
  const url = `http://127.0.0.1:${port}/api/ws/rooms?room_id=${SHARED_ROOM}&max_members=${membersCount}`;
  const response = await fetch(url, { method: "POST" });
  if (!response.ok) throw new Error(`The room was not made: ${response.status} ${await response.text()}`);
}
