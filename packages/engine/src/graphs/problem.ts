/**
 * Problems found while a graph is built. They are collected rather than thrown one by one, because whoever mends a
 * table wants the whole list, not the first line of it.
 */

/** Where a problem is: a file, and inside a table its line and cell (both from 1) with the column's name. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly cell?: number;
  readonly column?: string;
}

export interface Problem {
  readonly place: Place;
  readonly message: string;
}

/** So many problems are shown; more would only hide the first ones. */
const SHOWN_PROBLEMS = 50;

/** One problem as `file:line:column (name): message`. */
export function formatProblem(problem: Problem): string {
  const { file, line, cell, column } = problem.place;
  const position = [file, line, cell].filter((part) => part !== undefined).join(":");
  return `${position}${column === undefined ? "" : ` (${column})`}: ${problem.message}`;
}

/** All problems as one text, the first ones in full. */
function formatProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, SHOWN_PROBLEMS).map(formatProblem);
  const hidden = problems.length - lines.length;
  return [...lines, ...(hidden > 0 ? [`… and ${hidden} more`] : [])].join("\n");
}

/** The error of a graph that cannot be built: its message lists the problems. */
export function problemsError(problems: readonly Problem[]): Error {
  return new Error(formatProblems(problems));
}
