import { EngineFailure } from "../../failure.js";
import { XSD } from "../../rdf.js";
import { iriText as bracketed, literalText as quotedText } from "../../schema/sparql-terms.js";
import type { Expression, Pattern, PropertyPath, QueryForm, QueryTerm } from "./form.js";

/** A local name that needs no escapes (a subset of rule 169, PN_LOCAL). */
const PLAIN_LOCAL = /^[A-Za-z_0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_-])?$/;
const PLAIN_PREFIX = /^[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/;
const BARE_NUMBERS: ReadonlyMap<string, RegExp> = new Map([
  [`${XSD}integer`, /^-?\d+$/],
  [`${XSD}decimal`, /^-?\d+\.\d+$/],
]);

interface Names {
  readonly namespaces: readonly (readonly [namespace: string, prefix: string])[];
  readonly used: Map<string, string>;
}

/** Writes a query as SPARQL 1.1, with the prefixes that it uses. Terms that cannot be written safely are refused. */
export function serialize(query: QueryForm, prefixes: Readonly<Record<string, string>>): string {
  const namespaces = Object.entries(prefixes)
    .filter(([prefix, namespace]) => PLAIN_PREFIX.test(prefix) && bracketed(namespace) !== null)
    .map(([prefix, namespace]) => [namespace, prefix] as const)
    .sort((a, b) => b[0].length - a[0].length || (a[1] < b[1] ? -1 : 1));
  const names: Names = { namespaces, used: new Map() };
  const body = [...head(names, query), ...group(names, query.where, "  "), "}", ...tail(names, query)].join(
    "\n",
  );
  const declared = [...names.used]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([prefix, namespace]) => `PREFIX ${prefix}: <${namespace}>`);
  return declared.length === 0 ? body : `${declared.join("\n")}\n\n${body}`;
}

/** The patterns alone, on one line: what the explanation shows of a query. */
export function serializePatterns(
  patterns: readonly Pattern[],
  prefixes: Readonly<Record<string, string>>,
): string {
  const text = serialize(
    {
      form: "ask",
      distinct: false,
      projection: [],
      where: patterns,
      groupBy: [],
      having: [],
      orderBy: [],
      limit: null,
      offset: 0,
    },
    prefixes,
  );
  const open = text.indexOf("ASK {");
  return text
    .slice(open + 5, text.lastIndexOf("}"))
    .replace(/\s+/g, " ")
    .trim();
}

function head(names: Names, query: QueryForm): string[] {
  if (query.form === "ask") return ["ASK {"];
  const projected = query.projection.map(({ expression, as }) =>
    expression.kind === "variable" && expression.name === as
      ? `?${as}`
      : `(${expressionText(names, expression)} AS ?${as})`,
  );
  return [`SELECT ${query.distinct ? "DISTINCT " : ""}${projected.join(" ")} WHERE {`];
}

function tail(names: Names, query: QueryForm): string[] {
  const lines: string[] = [];
  // A yes-no query has no rows to group, order or cut.
  if (query.form === "ask") return lines;
  if (query.groupBy.length > 0) lines.push(`GROUP BY ${query.groupBy.map((name) => `?${name}`).join(" ")}`);
  if (query.having.length > 0)
    lines.push(`HAVING ${query.having.map((having) => `(${expressionText(names, having)})`).join(" ")}`);
  if (query.orderBy.length > 0) {
    const keys = query.orderBy.map(({ expression, descending }) => {
      const text = expressionText(names, expression);
      if (descending) return `DESC(${text})`;
      return expression.kind === "variable" ? text : `ASC(${text})`;
    });
    lines.push(`ORDER BY ${keys.join(" ")}`);
  }
  if (query.limit !== null) lines.push(`LIMIT ${query.limit}`);
  if (query.offset > 0) lines.push(`OFFSET ${query.offset}`);
  return lines;
}

function group(names: Names, patterns: readonly Pattern[], indent: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < patterns.length; at += 1) {
    const pattern = patterns[at];
    if (pattern === undefined) continue;
    switch (pattern.kind) {
      case "triple": {
        // Triples of one subject in a row share it.
        const subject = termText(names, pattern.subject);
        const rest = [predicateObject(names, pattern)];
        for (
          let next = patterns[at + 1];
          next?.kind === "triple" && termText(names, next.subject) === subject;
          next = patterns[at + 1]
        ) {
          rest.push(predicateObject(names, next));
          at += 1;
        }
        lines.push(`${indent}${subject} ${rest.join(` ;\n${indent}  `)} .`);
        break;
      }
      case "values":
        lines.push(
          `${indent}VALUES ?${pattern.variable} { ${pattern.terms.map((term) => termText(names, term)).join(" ")} }`,
        );
        break;
      case "optional":
        lines.push(`${indent}OPTIONAL {`, ...group(names, pattern.patterns, `${indent}  `), `${indent}}`);
        break;
      case "absent":
        lines.push(
          `${indent}FILTER NOT EXISTS {`,
          ...group(names, pattern.patterns, `${indent}  `),
          `${indent}}`,
        );
        break;
      case "filter":
        lines.push(`${indent}FILTER (${expressionText(names, pattern.expression)})`);
        break;
    }
  }
  return lines;
}

function predicateObject(names: Names, pattern: Pattern & { readonly kind: "triple" }): string {
  return `${pathText(names, pattern.path)} ${termText(names, pattern.object)}`;
}

function pathText(names: Names, path: PropertyPath | QueryTerm): string {
  if ("kind" in path) return termText(names, path);
  const steps = path.steps.map((step) =>
    step === RDF_TYPE && path.steps.length === 1 ? "a" : iriText(names, step),
  );
  if (path.closure) steps[steps.length - 1] = `${steps.at(-1)}*`;
  return steps.join("/");
}

const RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

function expressionText(names: Names, expression: Expression): string {
  switch (expression.kind) {
    case "compare":
      return `${expressionText(names, expression.left)} ${expression.operator} ${expressionText(names, expression.right)}`;
    case "every":
      return expression.operands.map((operand) => expressionText(names, operand)).join(" && ");
    case "call":
      return `${expression.name}(${expression.operands.map((operand) => expressionText(names, operand)).join(", ")})`;
    case "aggregate":
      return `${expression.name}(${expression.distinct ? "DISTINCT " : ""}${expressionText(names, expression.of)})`;
    default:
      return termText(names, expression);
  }
}

function termText(names: Names, term: QueryTerm): string {
  if (term.kind === "variable") return `?${term.name}`;
  if (term.kind === "iri") return iriText(names, term.iri);
  return literalText(names, term);
}

function iriText(names: Names, iri: string): string {
  const full = bracketed(iri);
  if (full === null) {
    throw new EngineFailure(
      "bad_query",
      "A name in the data holds characters that no SPARQL query can contain.",
      { detail: iri.slice(0, 200) },
    );
  }
  for (const [namespace, prefix] of names.namespaces) {
    if (!iri.startsWith(namespace) || !PLAIN_LOCAL.test(iri.slice(namespace.length))) continue;
    names.used.set(prefix, namespace);
    return `${prefix}:${iri.slice(namespace.length)}`;
  }
  return full;
}

function literalText(names: Names, literal: QueryTerm & { readonly kind: "literal" }): string {
  const { value, lang, datatype } = literal;
  if (datatype !== undefined && BARE_NUMBERS.get(datatype)?.test(value)) return value;
  if (datatype === `${XSD}boolean` && (value === "true" || value === "false")) return value;
  if (lang !== undefined) return quotedText(value, lang);
  const quoted = quotedText(value);
  return datatype === undefined || datatype === `${XSD}string`
    ? quoted
    : `${quoted}^^${iriText(names, datatype)}`;
}
