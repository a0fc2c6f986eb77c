import { RDF, type Term } from "../../rdf.js";
import { mergePrefixes } from "../prefixes.js";
import { bracketedIri, languageSuffix, ntriplesTerm, quotedText, writtenDatatype } from "../terms.js";
import { abbreviation } from "./abbreviation.js";
import { incompleteRemark, type ResultWriter, termOf } from "./result-writer.js";

/** A part of PN_LOCAL that needs no escapes. */
const SIMPLE_LOCAL_NAME = /^(?:[A-Za-z_0-9](?:[A-Za-z0-9_-]*))?$/;

function createIriWriter(prefixes: ReadonlyMap<string, string>): (iri: string) => string {
  const byNamespace = new Map([...prefixes].map(([prefix, namespace]) => [namespace, prefix]));
  return (iri) => {
    // Namespaces end with one of these; the longest that is known wins.
    for (let end = iri.length; end > 0; end -= 1) {
      if (end < iri.length && !"#/:_".includes(iri.charAt(end - 1))) continue;
      const prefix = byNamespace.get(iri.slice(0, end));
      if (prefix === undefined) continue;
      const local = iri.slice(end);
      if (SIMPLE_LOCAL_NAME.test(local)) return `${prefix}:${local}`;
    }
    return bracketedIri(iri);
  };
}

/** RDF 1.2 Turtle: subjects and predicates that follow each other are written once. Says in a comment what is missing. */
export function createTurtleWriter(prefixTable: Readonly<Record<string, string>>): ResultWriter {
  const prefixes = mergePrefixes(prefixTable);
  const writeIri = createIriWriter(prefixes);
  const writeTerm = (term: Term): string => {
    if (term.type === "uri") return writeIri(term.value);
    if (term.type === "triple") {
      const { subject, predicate, object } = term.value;
      return `<<( ${writeTerm(subject)} ${writeTerm(predicate)} ${writeTerm(object)} )>>`;
    }
    if (term.type === "bnode") return ntriplesTerm(term);
    const datatype = writtenDatatype(term);
    const suffix = datatype === null ? languageSuffix(term) : `^^${writeIri(datatype)}`;
    return abbreviation(term) ?? quotedText(term.value) + suffix;
  };

  let lastSubject: string | null = null;
  let lastPredicate: string | null = null;
  return {
    begin() {
      const lines = [...prefixes].map(([prefix, namespace]) => `@prefix ${prefix}: <${namespace}> .\n`);
      return lines.length === 0 ? "" : `${lines.join("")}\n`;
    },
    rows(rows) {
      let text = "";
      for (const row of rows) {
        const subject = termOf(row, "subject");
        const predicate = termOf(row, "predicate");
        const object = termOf(row, "object");
        if (subject === undefined || predicate === undefined || object === undefined) continue;
        const subjectText = writeTerm(subject);
        const predicateText = predicate.value === `${RDF}type` ? "a" : writeTerm(predicate);
        const objectText = writeTerm(object);
        if (subjectText !== lastSubject)
          text += `${lastSubject === null ? "" : " .\n"}${subjectText} ${predicateText} ${objectText}`;
        else if (predicateText !== lastPredicate) text += ` ;\n    ${predicateText} ${objectText}`;
        else text += ` , ${objectText}`;
        lastSubject = subjectText;
        lastPredicate = predicateText;
      }
      return text;
    },
    end(completeness) {
      const remark = incompleteRemark(completeness);
      return `${lastSubject === null ? "" : " .\n"}${remark === "" ? "" : `# ${remark}\n`}`;
    },
  };
}
