import { printTable, writeJson } from "../figures.js";
import { allContenders, type Contender } from "./contenders.js";
import { type BenchDefaults, type BenchOptions, readOptions } from "./options.js";
import { type Rig, setUpRig } from "./rig.js";
import { figuresOf, type Metric, measureRounds, type Ratio, type Samples } from "./rounds.js";

export interface Benchmark {
  readonly defaults: BenchDefaults;
  readonly title: (options: BenchOptions) => string;
  readonly metrics: readonly Metric[];
  readonly ratios: readonly Ratio[];
  /** One round of one server. */
  readonly measure: (rig: Rig, contender: Contender, options: BenchOptions) => Promise<Samples>;
}

/** Measures, prints the table and writes the JSON. The exit code is 1 where a server failed. */
export async function runBenchmark(benchmark: Benchmark, args: readonly string[]): Promise<void> {
  const options = readOptions(args, benchmark.defaults);
  const rig = await setUpRig();
  const contenders = allContenders(rig.floor).filter(({ id }) => options.servers.includes(id));
  const results = await measureRounds(contenders, options.rounds, (contender) =>
    benchmark.measure(rig, contender, options),
  );
  const title = benchmark.title(options);
  const figures = figuresOf(results, benchmark.metrics, benchmark.ratios);
  printTable(title, figures);
  if (options.json !== undefined) await writeJson(options.json, title, figures);
}
