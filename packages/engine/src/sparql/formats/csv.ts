import type { Term } from "../../rdf.js";
import { ntriplesTerm, wellFormed } from "../terms.js";
import { type ResultWriter, termOf } from "./result-writer.js";

function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function writeTerm(term: Term): string {
  if (term.type === "triple") return field(ntriplesTerm(term));
  return field(wellFormed(term.type === "bnode" ? `_:${term.value}` : term.value));
}

/**
 * SPARQL 1.1 Query Results CSV (section 3): values without their kinds, lines ended by CR LF, a header without
 * question marks. The format has no place to say that rows are missing.
 */
export function createCsvWriter(variables: readonly string[]): ResultWriter {
  return {
    begin: () => `${variables.map(field).join(",")}\r\n`,
    rows(rows) {
      let text = "";
      for (const row of rows) {
        let separator = "";
        for (const variable of variables) {
          const term = termOf(row, variable);
          text += term === undefined ? separator : separator + writeTerm(term);
          separator = ",";
        }
        text += "\r\n";
      }
      return text;
    },
    end: () => "",
  };
}

/** The recommendation has no CSV or TSV for ASK: the bare word, as several engines answer. */
export function createBareBooleanWriter(value: boolean): ResultWriter {
  return { begin: () => String(value), rows: () => "", end: () => "" };
}
