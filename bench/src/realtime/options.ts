import { parseArgs } from "node:util";
import { CONTENDER_IDS, type ContenderId } from "./contenders.js";

/** What the command line of a measuring program can say. */
export interface BenchOptions {
  readonly rounds: number;
  readonly connections: number;
  /** Seconds of one phase. */
  readonly seconds: number;
  /** Addresses of loopback that the connections come from. */
  readonly sources: number;
  readonly servers: readonly ContenderId[];
  readonly json?: string;
}

export type BenchDefaults = Omit<BenchOptions, "json">;

/** Throws where a value is no whole number above 0, or a server is not known. */
export function readOptions(args: readonly string[], defaults: BenchDefaults): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: String(defaults.rounds) },
      connections: { type: "string", default: String(defaults.connections) },
      seconds: { type: "string", default: String(defaults.seconds) },
      sources: { type: "string", default: String(defaults.sources) },
      servers: { type: "string", default: defaults.servers.join(",") },
      json: { type: "string" },
    },
  });
  return {
    rounds: count("rounds", values.rounds),
    connections: count("connections", values.connections),
    seconds: count("seconds", values.seconds),
    sources: count("sources", values.sources),
    servers: values.servers.split(",").map((id) => known(id, defaults.servers)),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} is ${text}; allowed: a whole number above 0.`);
}

function known(text: string, allowed: readonly ContenderId[]): ContenderId {
  const id = CONTENDER_IDS.find((candidate) => candidate === text);
  if (id !== undefined && allowed.includes(id)) return id;
  throw new Error(`--servers has ${text}; allowed: ${allowed.join(", ")}.`);
}
