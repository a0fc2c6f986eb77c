import type { Completeness } from "../../executor.js";
import type { Term } from "../../rdf.js";
import { incompleteRemark, type ResultWriter, termOf } from "./result-writer.js";

/** XML 1.0, section 2.2: what a document cannot hold, not even as a reference. */
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/gu;
/** Tabs and line feeds survive in text, but not in attributes; carriage returns in neither (section 2.11). */
const SPECIAL_IN_TEXT = /[&<>\r]/g;
const SPECIAL_IN_ATTRIBUTE = /[&<>"\t\n\r]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

const entity = (character: string) => ENTITIES[character] ?? character;

function escapeText(text: string): string {
  return text.replace(IMPOSSIBLE, "\ufffd").replace(SPECIAL_IN_TEXT, entity);
}

function escapeAttribute(text: string): string {
  return text.replace(IMPOSSIBLE, "\ufffd").replace(SPECIAL_IN_ATTRIBUTE, entity);
}

function writeTerm(term: Term): string {
  switch (term.type) {
    case "uri":
      return `<uri>${escapeText(term.value)}</uri>`;
    case "bnode":
      return `<bnode>${escapeText(term.value)}</bnode>`;
    case "literal": {
      const language = term["xml:lang"];
      const direction = term["its:dir"];
      let attributes = "";
      if (language !== undefined) attributes += ` xml:lang="${escapeAttribute(language)}"`;
      if (direction !== undefined) attributes += ` its:dir="${direction}"`;
      if (term.datatype !== undefined && language === undefined)
        attributes += ` datatype="${escapeAttribute(term.datatype)}"`;
      return `<literal${attributes}>${escapeText(term.value)}</literal>`;
    }
    case "triple": {
      const { subject, predicate, object } = term.value;
      return `<triple><subject>${writeTerm(subject)}</subject><predicate>${writeTerm(predicate)}</predicate><object>${writeTerm(object)}</object></triple>`;
    }
  }
}

const ROOT =
  '<?xml version="1.0" encoding="UTF-8"?>\n<sparql xmlns="http://www.w3.org/2005/sparql-results#" xmlns:its="http://www.w3.org/2005/11/its" its:version="2.0">\n';

function closing(completeness: Completeness | null): string {
  const remark = incompleteRemark(completeness);
  return `${remark === "" ? "" : `<!-- ${remark} -->\n`}</sparql>\n`;
}

/** SPARQL Query Results XML, with the triple terms and directions of SPARQL 1.2; says in a comment what is missing. */
export function createXmlWriter(variables: readonly string[]): ResultWriter {
  const columns = variables.map((variable) => ({
    variable,
    open: `<binding name="${escapeAttribute(variable)}">`,
  }));
  const head = variables.map((variable) => `<variable name="${escapeAttribute(variable)}"/>`).join("");
  return {
    begin: () => `${ROOT}<head>${head}</head>\n<results>\n`,
    rows(rows) {
      let text = "";
      for (const row of rows) {
        text += "<result>";
        for (const { variable, open } of columns) {
          const term = termOf(row, variable);
          if (term !== undefined) text += `${open}${writeTerm(term)}</binding>`;
        }
        text += "</result>\n";
      }
      return text;
    },
    end: (completeness) => `</results>\n${closing(completeness)}`,
  };
}

export function createXmlBooleanWriter(value: boolean): ResultWriter {
  return {
    begin: () => `${ROOT}<head></head>\n<boolean>${value}</boolean>\n`,
    rows: () => "",
    end: closing,
  };
}
