import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BENCH_LIMITS } from "./limits.js";
import type { Rig } from "./rig.js";
import type { RunningServer } from "./server-process.js";

export type Measure = "drive" | "idle" | "connect" | "storm";

/** Options of the load generator, as `bench/native/options.h` reads them. */
export interface LoadOptions {
  readonly connections: number;
  /** Addresses of loopback that they come from. */
  readonly sources: number;
  /** The generator gives up after so long. */
  readonly deadline: number;
  readonly seconds?: number;
  /** Connections on their way at a time. */
  readonly "at-a-time"?: number;
  readonly room?: "shared" | "own";
  readonly request?: "publish" | "ping";
  readonly publishers?: number;
  /** Messages in flight, one phase for each. */
  readonly windows?: readonly number[];
  /** Bytes of a message's text. */
  readonly bytes?: number;
  readonly "warm-up"?: number;
  /** Seconds over which the lost ones return. */
  readonly return?: number;
  /** Messages that they missed. */
  readonly missed?: number;
}

/** One phase of `drive`. */
export interface Phase {
  readonly messages: number;
  /** Frames at receivers: a message to each other member, and its acknowledgement to the sender. */
  readonly deliveries: number;
  readonly elapsedS: number;
  readonly cpuS: number;
  /** Of the generator: what it had to spare. */
  readonly idleShare: number;
  /** What other processes took of the server's core and of the generator's. */
  readonly serverLostShare: number;
  readonly generatorLostShare: number;
  /** From publishing to the last delivery, and to each. */
  readonly lastMs: Percentiles;
  readonly eachMs: Percentiles;
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface LoadFigures {
  readonly drive: { readonly phases: readonly Phase[] };
  readonly idle: { readonly beforeKb: number; readonly settledKb: number; readonly collectedKb: number };
  readonly connect: { readonly elapsedS: number; readonly cpuS: number };
  readonly storm: {
    readonly clients: number;
    readonly back: number;
    readonly backWithin20S: number;
    readonly unrecovered: number;
    readonly refusals: number;
    readonly medianS: number;
    /** -1 where fewer than that came back. */
    readonly p99S: number;
  };
}

/** Runs one measure against a server. Rejects with the generator's words where it fails. */
export async function runLoad<M extends Measure>(
  { generator, cores }: Rig,
  measure: M,
  { contender, pid, port }: RunningServer,
  options: LoadOptions,
): Promise<LoadFigures[M]> {
  const all = { dialect: contender.dialect, pid, port, ...options };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const run = promisify(execFile)("taskset", ["-c", cores.generator, generator, measure, ...args], {
    timeout: options.deadline * 1_000 + BENCH_LIMITS.generatorGraceMs,
    killSignal: "SIGKILL",
  });
  const { stdout } = await run.catch((error: Error & { readonly stderr?: string }) => {
    throw new Error(error.stderr?.trim() || error.message);
  });
  // Our own generator prints these, and nothing else does.
  return JSON.parse(stdout) as LoadFigures[M];
}

/** A phase by its place, with a word to standard error where the figures may tell of something else than the server. */
export function phaseOf({ phases }: LoadFigures["drive"], place: number, title: string): Phase {
  const phase = phases[place];
  if (phase === undefined) throw new Error(`The generator measured no phase ${place}.`);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const serverIdleShare = 1 - phase.cpuS / phase.elapsedS - phase.serverLostShare;
  if (phase.idleShare < BENCH_LIMITS.minIdleShare && serverIdleShare > BENCH_LIMITS.minIdleShare) {
    console.error(
      `${title}: the generator, which idled for ${percent(phase.idleShare)}, may be what was measured: the server idled for ${percent(serverIdleShare)}`,
    );
  }
  if (lostShareOf(phase) > BENCH_LIMITS.maxLostShare) {
    console.error(`${title}: other processes took ${percent(lostShareOf(phase))} of a core`);
  }
  return phase;
}

/** What other processes took of the core that lost more. Times and rates are worth nothing where it is large. */
export function lostShareOf({ serverLostShare, generatorLostShare }: Phase): number {
  return Math.max(serverLostShare, generatorLostShare);
}
