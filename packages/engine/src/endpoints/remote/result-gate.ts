import type { ExecuteOptions, ExecutionEvent, PreparedQuery } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import type { Binding } from "../../rdf.js";
import type { ReaderEvent } from "./results-reader.js";
import { rowBytes } from "./row-terms.js";

/** What Virtuoso calls the one variable of its answer to ASK: one row with 1 for yes, no row (or one with 0) for no. */
const VIRTUOSO_ASK = "__ask_retval";

/** Stands between what an endpoint sends and what a caller gets: the head first, the caps, the form that was asked for. */
export interface ResultGate {
  accept(event: ReaderEvent): readonly ExecutionEvent[];
  /** Why the result was cut; `null` as long as it was not. */
  cut(): "row_limit" | "byte_limit" | null;
  /** What was held back. Throws `upstream_bad_response` when what was asked for never came. */
  finish(): readonly ExecutionEvent[];
  /** Rows let through. */
  rowCount(): number;
}

export function createResultGate(
  query: PreparedQuery,
  { maxRows, maxBytes }: Pick<ExecuteOptions, "maxRows" | "maxBytes">,
): ResultGate {
  return query.form === "ask" ? createBooleanGate() : createRowGate(query, maxRows, maxBytes);
}

function createBooleanGate(): ResultGate {
  let answered = false;
  let noRowMeansNo = false;
  const answer = (value: boolean): readonly ExecutionEvent[] => {
    answered = true;
    return [{ kind: "boolean", value }];
  };
  return {
    accept(event) {
      if (event.kind === "boolean") return answer(event.value);
      if (event.kind === "head") {
        noRowMeansNo = event.variables.some(isVirtuosoAsk);
        return [];
      }
      const value = event.rows.map(booleanOf).find((found) => found !== undefined);
      if (value === undefined) throw wrongForm("rows to a query that asks for yes or no");
      return answered ? [] : answer(value);
    },
    cut: () => null,
    finish() {
      if (answered) return [];
      if (noRowMeansNo) return answer(false);
      throw wrongForm("neither yes nor no");
    },
    rowCount: () => 0,
  };
}

function isVirtuosoAsk(variable: string): boolean {
  return variable.toLowerCase() === VIRTUOSO_ASK;
}

function booleanOf(row: Binding): boolean | undefined {
  const variable = Object.keys(row).find(isVirtuosoAsk);
  const term = variable === undefined ? undefined : row[variable];
  if (term?.type !== "literal") return undefined;
  return term.value === "1" || term.value === "true";
}

function createRowGate(query: PreparedQuery, maxRows: number, maxBytes: number): ResultGate {
  let headSent = false;
  let held: Binding[] = [];
  let rowCount = 0;
  let byteCount = 0;
  let cut: "row_limit" | "byte_limit" | null = null;

  /** One row more than the cap tells a cut result from one that just fits. */
  const withinCaps = (rows: readonly Binding[]): Binding[] => {
    const kept: Binding[] = [];
    for (const row of rows) {
      const bytes = rowBytes(row);
      if (rowCount === maxRows) cut = "row_limit";
      else if (byteCount + bytes > maxBytes) cut = "byte_limit";
      if (cut !== null) break;
      rowCount += 1;
      byteCount += bytes;
      kept.push(row);
    }
    return kept;
  };
  const sendHead = (variables: readonly string[]): ExecutionEvent[] => {
    headSent = true;
    const events: ExecutionEvent[] = [{ kind: "head", variables }];
    if (held.length > 0) events.push({ kind: "rows", rows: held });
    held = [];
    return events;
  };
  return {
    accept(event) {
      if (event.kind === "boolean") throw wrongForm("yes or no to a query that asks for rows");
      if (event.kind === "head") {
        return headSent
          ? []
          : sendHead(event.variables.length > 0 ? event.variables : (query.variables ?? []));
      }
      if (cut !== null) return [];
      const events = headSent || query.variables === null ? [] : sendHead(query.variables);
      const rows = withinCaps(event.rows);
      if (!headSent) held.push(...rows);
      else if (rows.length > 0) events.push({ kind: "rows", rows });
      return events;
    },
    cut: () => cut,
    finish: () => (headSent ? [] : sendHead(query.variables ?? variablesIn(held))),
    rowCount: () => rowCount,
  };
}

/** For rows whose head never came: it would have stood behind them, and the rows were cut. */
function variablesIn(rows: readonly Binding[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function wrongForm(what: string): EngineFailure {
  return new EngineFailure("upstream_bad_response", `The endpoint answered ${what}.`);
}
