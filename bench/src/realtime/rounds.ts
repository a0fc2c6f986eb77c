import type { Figure } from "../figures.js";
import type { Contender, ContenderId } from "./contenders.js";

/** What one round of one server gave, by the key of the metric. */
export type Samples = Readonly<Record<string, number>>;

export interface Metric {
  readonly key: string;
  readonly name: string;
  readonly unit: string;
  /** For ours. */
  readonly goal?: string;
}

/** A metric of one server over that of another, round by round. */
export interface Ratio {
  readonly key: string;
  readonly of: ContenderId;
  readonly to: ContenderId;
  readonly goal?: string;
}

export interface Result {
  readonly contender: Contender;
  readonly samples: readonly Samples[];
  /** Why it was not measured, or not to the end. */
  readonly note: string | null;
}

const MAX_NOTE_CHARACTERS = 120;

/**
 * Measures every contender once a round, so that what changes on the machine meanwhile meets all of them. One that
 * fails is told of and left out from then on.
 */
export async function measureRounds(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender) => Promise<Samples>,
): Promise<readonly Result[]> {
  const results = contenders.map((contender) => {
    const missing = contender.missing();
    const note = missing === null ? null : `not installed: ${missing}`;
    return { contender, samples: [] as Samples[], note };
  });
  for (let round = 1; round <= rounds; round += 1) {
    for (const result of results) {
      if (result.note !== null) continue;
      const { title } = result.contender;
      try {
        const samples = await measure(result.contender);
        result.samples.push(samples);
        // A run takes minutes; what is known is told.
        console.error(`round ${round}, ${title}: ${JSON.stringify(samples, fourDigits)}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        console.error(`round ${round}, ${title} failed: ${reason}`);
        result.note = `failed: ${reason.split("\n")[0]?.slice(0, MAX_NOTE_CHARACTERS)}`;
        process.exitCode = 1;
      }
    }
  }
  return results;
}

function fourDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

/** Each metric of each server, below them the ratios, and at the end who was not measured, and why. */
export function figuresOf(
  results: readonly Result[],
  metrics: readonly Metric[],
  ratios: readonly Ratio[],
): readonly Figure[] {
  return [
    ...metrics.flatMap((metric) => results.flatMap((result) => metricFigure(metric, result))),
    ...ratios.flatMap((ratio) => ratioFigure(ratio, metrics, results)),
    ...results.flatMap(({ contender, note }) =>
      note === null ? [] : [{ name: contender.title, unit: "", samples: [], note }],
    ),
  ];
}

function metricFigure({ key, name, unit, goal }: Metric, { contender, samples }: Result): Figure[] {
  const values = samples.flatMap((sample) => sample[key] ?? []);
  if (values.length === 0) return [];
  const figure = { name: `${name} · ${contender.title}`, unit, samples: values };
  return [goal !== undefined && contender.id === "ours" ? { ...figure, goal } : figure];
}

function ratioFigure(
  { key, of, to, goal }: Ratio,
  metrics: readonly Metric[],
  results: readonly Result[],
): Figure[] {
  const samplesOf = (id: ContenderId) => results.find(({ contender }) => contender.id === id)?.samples ?? [];
  const lower = samplesOf(to);
  const samples = samplesOf(of).flatMap((sample, round) => {
    const [above, below] = [sample[key], lower[round]?.[key]];
    return above === undefined || below === undefined ? [] : [above / below];
  });
  if (samples.length === 0) return [];
  const name = metrics.find((metric) => metric.key === key)?.name ?? key;
  const figure = { name: `${name} · ${of} ÷ ${to}`, unit: "×", samples };
  return [goal === undefined ? figure : { ...figure, goal }];
}
