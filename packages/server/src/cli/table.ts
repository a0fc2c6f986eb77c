import type { Binding, Term } from "@sparql-live/engine";
import stringWidth from "string-width";
import { fit } from "./stepper.js";

const MIN_COLUMN = 6;
const GAP = "  ";

export interface TableOptions {
  readonly variables: readonly string[];
  readonly rows: readonly Binding[];
  /** Prefix → namespace, for short names. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** Columns of the terminal; `Infinity` in a pipe. */
  readonly width: number;
}

/** Rows as aligned text: a heading, a rule, a line a row. */
export function renderTable({ variables, rows, prefixes, width }: TableOptions): string {
  if (variables.length === 0) return "";
  const shorten = createShortener(prefixes);
  const cells = rows.map((row) =>
    variables.map((name) => {
      const term = Object.hasOwn(row, name) ? row[name] : undefined;
      return term === undefined ? "" : termText(term, shorten).replaceAll(/\s+/g, " ");
    }),
  );
  const natural = variables.map((name, column) =>
    cells.reduce((most, row) => Math.max(most, stringWidth(row[column] ?? "")), stringWidth(name)),
  );
  const widths = fitColumns(natural, width);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, column) => pad(fit(text, widths[column] ?? MIN_COLUMN), widths[column] ?? MIN_COLUMN))
      .join(GAP)
      .trimEnd();
  const rule = widths.map((columns) => "─".repeat(columns)).join(GAP);
  return [line(variables), rule, ...cells.map(line)].map((text) => `${text}\n`).join("");
}

/** The widest columns give way first, until all fit. */
function fitColumns(natural: readonly number[], width: number): readonly number[] {
  const available = width - GAP.length * (natural.length - 1);
  const widths = [...natural];
  let excess = widths.reduce((sum, columns) => sum + columns, 0) - available;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const columns = widths[widest] ?? 0;
    if (columns <= MIN_COLUMN) break;
    const second = widths.reduce(
      (most, other, column) => (column === widest ? most : Math.max(most, other)),
      0,
    );
    const cut = Math.min(excess, Math.max(1, columns - Math.max(second, MIN_COLUMN)));
    widths[widest] = columns - cut;
    excess -= cut;
  }
  return widths;
}

function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - stringWidth(text)));
}

function termText(term: Term, shorten: (iri: string) => string): string {
  switch (term.type) {
    case "uri":
      return shorten(term.value);
    case "bnode":
      return `_:${term.value}`;
    case "literal":
      return term.value;
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `<<( ${[subject, predicate, object].map((part) => termText(part, shorten)).join(" ")} )>>`;
    }
  }
}

function createShortener(prefixes: Readonly<Record<string, string>>): (iri: string) => string {
  // The longest namespace first: where one is the beginning of another the more precise name wins.
  const namespaces = Object.entries(prefixes).sort(([, a], [, b]) => b.length - a.length);
  return (iri) => {
    for (const [prefix, namespace] of namespaces) {
      const local = iri.slice(namespace.length);
      if (iri.startsWith(namespace) && /^[\p{L}\p{N}_.-]+$/u.test(local)) return `${prefix}:${local}`;
    }
    return iri;
  };
}
