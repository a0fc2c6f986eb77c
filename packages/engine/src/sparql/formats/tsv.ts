import type { Term } from "../../rdf.js";
import { ntriplesTerm } from "../terms.js";
import { abbreviation } from "./abbreviation.js";
import { type ResultWriter, termOf } from "./result-writer.js";

function writeTerm(term: Term): string {
  return (term.type === "literal" ? abbreviation(term) : null) ?? ntriplesTerm(term);
}

/**
 * SPARQL 1.1 Query Results TSV (section 4): terms as in Turtle, numbers bare, a header with question marks, lines
 * ended by LF. The format has no place to say that rows are missing.
 */
export function createTsvWriter(variables: readonly string[]): ResultWriter {
  return {
    begin: () => `${variables.map((variable) => `?${variable}`).join("\t")}\n`,
    rows(rows) {
      let text = "";
      for (const row of rows) {
        let separator = "";
        for (const variable of variables) {
          const term = termOf(row, variable);
          text += term === undefined ? separator : separator + writeTerm(term);
          separator = "\t";
        }
        text += "\n";
      }
      return text;
    },
    end: () => "",
  };
}
