import { XSD } from "../../rdf.js";
import { UNTYPED } from "../graph/schema-graph.js";
import type { Build, QueryVariable } from "./building.js";
import { type Pattern, variable } from "./form.js";

interface LabelPatterns {
  readonly variable: QueryVariable;
  readonly optional: Pattern;
  readonly required: readonly Pattern[];
}

/** The best label of a variable, in the question's language where labels have languages. */
export function labelPatterns(build: Build, of: QueryVariable, language: string): LabelPatterns | null {
  const { profile } = build.schema;
  const predicate = labelPredicateOf(build, of);
  if (predicate === undefined) return null;
  const name = variable(build.names(`${of.name.replace(/[A-Z]/g, (letter) => ` ${letter}`)} label`));
  const triple: Pattern = { kind: "triple", subject: of, path: { steps: [predicate] }, object: name };
  const patterns: Pattern[] = [triple];
  if (profile.languages.length > 1) {
    const wanted = profile.languages.includes(language) ? language : (profile.languages[0] ?? language);
    patterns.push({
      kind: "filter",
      expression: {
        kind: "call",
        name: "LANGMATCHES",
        operands: [
          { kind: "call", name: "LANG", operands: [name] },
          { kind: "literal", value: wanted, datatype: `${XSD}string` },
        ],
      },
    });
  }
  return { variable: name, optional: { kind: "optional", patterns }, required: patterns };
}

function labelPredicateOf(build: Build, of: QueryVariable): string | undefined {
  const { profile } = build.schema;
  const node = build.graph.nodes.find((other) => {
    const own = build.terms.get(other.id);
    return own?.kind === "variable" && own.name === of.name;
  });
  const classes = node?.classes ?? [];
  const used = profile.labelPredicates.find((predicate) =>
    build.schema
      .usesOf(predicate)
      .some((use) => use.domain === UNTYPED || build.schema.compatible(classes, [use.domain])),
  );
  return used ?? profile.labelPredicates[0];
}
