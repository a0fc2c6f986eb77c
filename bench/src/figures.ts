import { writeFile } from "node:fs/promises";

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** For example `≤ 50`. */
  readonly goal?: string;
  /** Why there are no samples. */
  readonly note?: string;
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function printTable(title: string, figures: readonly Figure[]): void {
  console.log(`${title}\n`);
  const rows = figures.map(({ name, unit, samples, goal = "", note = "" }) => [
    name,
    ...(samples.length === 0
      ? ["–", ""]
      : [short(median(samples)), `${short(Math.min(...samples))} – ${short(Math.max(...samples))}`]),
    String(samples.length),
    unit,
    samples.length === 0 ? note : goal,
  ]);
  const table = [["", "median", "range", "samples", "unit", "goal"], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

export async function writeJson(path: string, title: string, figures: readonly Figure[]): Promise<void> {
  const withMedians = figures.map((figure) => ({ ...figure, median: median(figure.samples) }));
  const record = { title, node: process.version, madeAt: new Date().toISOString(), figures: withMedians };
  await writeFile(path, `${JSON.stringify(record, null, 2)}\n`);
}

function short(value: number): string {
  return value >= 1_000 ? String(Math.round(value)) : value.toPrecision(3);
}
