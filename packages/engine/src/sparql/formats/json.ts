import type { Completeness } from "../../executor.js";
import type { Term } from "../../rdf.js";
import { wellFormed } from "../terms.js";
import { type ResultWriter, termOf } from "./result-writer.js";

function quote(text: string): string {
  return JSON.stringify(wellFormed(text));
}

function writeTerm(term: Term): string {
  switch (term.type) {
    case "uri":
      return `{"type":"uri","value":${quote(term.value)}}`;
    case "bnode":
      return `{"type":"bnode","value":${quote(term.value)}}`;
    case "literal": {
      const language = term["xml:lang"];
      const direction = term["its:dir"];
      let text = `{"type":"literal","value":${quote(term.value)}`;
      if (language !== undefined) text += `,"xml:lang":${quote(language)}`;
      if (direction !== undefined) text += `,"its:dir":${quote(direction)}`;
      if (term.datatype !== undefined && language === undefined)
        text += `,"datatype":${quote(term.datatype)}`;
      return `${text}}`;
    }
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `{"type":"triple","value":{"subject":${writeTerm(subject)},"predicate":${writeTerm(predicate)},"object":${writeTerm(object)}}}`;
    }
  }
}

/**
 * What an incomplete result says of itself, behind its rows: a member of our own name at the top level, as
 * section 3 of the recommendation leaves room for, where readers that do not know it pass over it.
 */
function trailer(completeness: Completeness | null): string {
  if (completeness === null || completeness.status === "complete") return "}\n";
  return `,"sparql-live":${JSON.stringify({ completeness })}}\n`;
}

/** SPARQL 1.1 Query Results JSON, with the triple terms and directions of SPARQL 1.2. */
export function createJsonWriter(variables: readonly string[]): ResultWriter {
  const keys = variables.map((variable) => ({ variable, key: `${quote(variable)}:` }));
  let separator = "\n";
  return {
    begin: () => `{"head":{"vars":[${variables.map(quote).join(",")}]},"results":{"bindings":[`,
    rows(rows) {
      let text = "";
      for (const row of rows) {
        text += `${separator}{`;
        separator = ",\n";
        let comma = "";
        for (const { variable, key } of keys) {
          const term = termOf(row, variable);
          if (term === undefined) continue;
          text += comma + key + writeTerm(term);
          comma = ",";
        }
        text += "}";
      }
      return text;
    },
    end: (completeness) => `]}${trailer(completeness)}`,
  };
}

export function createJsonBooleanWriter(value: boolean): ResultWriter {
  return {
    begin: () => `{"head":{},"boolean":${value}`,
    rows: () => "",
    end: trailer,
  };
}
