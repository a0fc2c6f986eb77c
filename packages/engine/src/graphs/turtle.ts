import { writeIri } from "./term.js";
import type { Graph } from "./triples.js";

const RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
/** Local names this plain need no thought about Turtle's rules; all others are written as full IRIs. */
const PLAIN_LOCAL_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * Writes a graph as Turtle, sorted throughout: the same facts give the same bytes, so that a difference between two
 * builds is a difference between two sets of facts.
 */
export function writeTurtle(graph: Graph, prefixes: ReadonlyMap<string, string>): string {
  const shorten = shortener(prefixes);
  const head = [...prefixes]
    .sort(byFirst)
    .map(([name, namespace]) => `@prefix ${name}: ${writeIri(namespace)} .\n`);
  const blocks = [...graph].sort(byFirst).map(([subject, predicates]) => {
    const lines = [...predicates].sort(byPredicate).map(([predicate, objects]) => {
      const verb = predicate === RDF_TYPE ? "a" : shorten(writeIri(predicate));
      return `  ${verb} ${[...objects].sort(byText).map(shorten).join(", ")}`;
    });
    return `\n${shorten(writeIri(subject))}\n${lines.join(" ;\n")} .\n`;
  });
  return [...head, ...blocks].join("");
}

function shortener(prefixes: ReadonlyMap<string, string>): (term: string) => string {
  // The longest namespace first, so that the most telling prefix wins.
  const namespaces = [...prefixes].sort(
    (left, right) => right[1].length - left[1].length || byFirst(left, right),
  );
  const shortenIri = (term: string): string => {
    const iri = term.slice(1, -1);
    for (const [name, namespace] of namespaces) {
      const local = iri.slice(namespace.length);
      if (iri.startsWith(namespace) && PLAIN_LOCAL_NAME.test(local)) return `${name}:${local}`;
    }
    return term;
  };
  return (term) => {
    if (term.startsWith("<")) return shortenIri(term);
    const datatype = /"\^\^(<[^<>"]*>)$/.exec(term)?.[1];
    return datatype === undefined ? term : term.slice(0, -datatype.length) + shortenIri(datatype);
  };
}

/** Order by code unit: the same on every machine, whatever its language. */
function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function byFirst(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return byText(left[0], right[0]);
}

function byPredicate(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  if (left[0] === RDF_TYPE || right[0] === RDF_TYPE)
    return Number(right[0] === RDF_TYPE) - Number(left[0] === RDF_TYPE);
  return byFirst(left, right);
}
