import type { Completeness } from "../../executor.js";
import type { Binding, Term } from "../../rdf.js";

/** Writes one result piece by piece: `begin`, any number of `rows`, `end`. */
export interface ResultWriter {
  begin(): string;
  rows(rows: readonly Binding[]): string;
  /** `null`: nothing is known of the completeness. */
  end(completeness: Completeness | null): string;
}

/** Names come from the query's author, `__proto__` among them. */
export function termOf(row: Binding, variable: string): Term | undefined {
  return Object.hasOwn(row, variable) ? row[variable] : undefined;
}

/** A remark on a result that is not complete, safe within a comment of any format; empty for a complete one. */
export function incompleteRemark(completeness: Completeness | null): string {
  if (completeness === null || completeness.status === "complete") return "";
  const reason = completeness.reason?.replace(/[^A-Za-z0-9_]+/g, " ").trim();
  return `This result is ${completeness.status}${reason ? ` (${reason})` : ""}.`;
}
