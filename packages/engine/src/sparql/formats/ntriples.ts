import { ntriplesTerm } from "../terms.js";
import { incompleteRemark, type ResultWriter, termOf } from "./result-writer.js";

/** RDF 1.2 N-Triples, in canonical form but for the order; says in a comment what is missing. */
export function createNTriplesWriter(): ResultWriter {
  return {
    begin: () => "",
    rows(rows) {
      let text = "";
      for (const row of rows) {
        const subject = termOf(row, "subject");
        const predicate = termOf(row, "predicate");
        const object = termOf(row, "object");
        if (subject === undefined || predicate === undefined || object === undefined) continue;
        text += `${ntriplesTerm(subject)} ${ntriplesTerm(predicate)} ${ntriplesTerm(object)} .\n`;
      }
      return text;
    },
    end(completeness) {
      const remark = incompleteRemark(completeness);
      return remark === "" ? "" : `# ${remark}\n`;
    },
  };
}
