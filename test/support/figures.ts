/** Says on standard output what was reached; reporters show nothing of tests that pass. */
export function printFigures(title: string, figures: Readonly<Record<string, string | number>>): void {
  const cells = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`${title}: ${cells.join(", ")}\n`);
}

/** The value below which so large a share of the values lies. Throws where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const value = values.toSorted((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(share * values.length))
  ];
  if (value === undefined) throw new Error("no values");
  return value;
}
