import type { QueryWarning } from "../answer-events.js";
import { LIMITS } from "../limits.js";
import type { SchemaProfile } from "../profile.js";
import { OWL, RDF, RDFS, XSD } from "../rdf.js";
import { nearestBy } from "./edit-distance.js";
import type { NameScope } from "./names.js";
import { placeAt } from "./places.js";
import { type AnyNode, type ParsedQuery, rangeOf, visitNodes } from "./syntax.js";

const BUILT_IN = [RDF, RDFS, OWL, XSD];

type NamedNode = Parameters<NameScope["expand"]>[0];

interface NamedUse {
  readonly kind: "class" | "property";
  readonly iri: string;
  readonly offset: number;
}

function localName(iri: string): string {
  return iri.slice(Math.max(iri.lastIndexOf("#"), iri.lastIndexOf("/"), iri.lastIndexOf(":")) + 1);
}

function isNamed(value: unknown): value is NamedNode & AnyNode {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "term" &&
    "subType" in value &&
    value.subType === "namedNode"
  );
}

/** The IRIs that a path steps over; those that it steps around (`!p`) are not meant to be there. */
function pathMembers(path: AnyNode): NamedNode[] {
  const members: NamedNode[] = [];
  visitNodes(path, (node) => {
    if (isNamed(node)) members.push(node);
    return !(node.type === "path" && node.subType === "!");
  });
  return members;
}

/** Predicates and classes of the patterns, not those of a SERVICE or of a CONSTRUCT's template. */
function namedUses({ ast }: ParsedQuery, names: NameScope): readonly NamedUse[] {
  const uses: NamedUse[] = [];
  const add = (kind: NamedUse["kind"], node: NamedNode) => {
    const iri = names.expand(node);
    const range = rangeOf(node);
    if (iri !== null && range !== null) uses.push({ kind, iri, offset: range.start });
  };
  visitNodes(ast.where, (node) => {
    if (node.subType === "service") return false;
    if (node.type !== "triple" || !("predicate" in node) || !("object" in node)) return true;
    const predicate = node.predicate as AnyNode;
    for (const member of pathMembers(predicate)) add("property", member);
    if (isNamed(predicate) && names.expand(predicate) === `${RDF}type` && isNamed(node.object))
      add("class", node.object);
    return true;
  });
  return uses;
}

interface KnownName {
  readonly iri: string;
  readonly name: string;
}

function knownNames(
  things: readonly { readonly iri: string; readonly labels: readonly { readonly text: string }[] }[],
): KnownName[] {
  return things.flatMap(({ iri, labels }) => [
    { iri, name: localName(iri) },
    ...labels.map((label) => ({ iri, name: label.text.replace(/\s+/g, "") })),
  ]);
}

/**
 * `unknown_class` and `unknown_property` for what the data, by a complete profile, does not have.
 * Names of RDF, RDFS, OWL and XSD are never reported.
 */
export function vocabularyWarnings(
  parsed: ParsedQuery,
  profile: SchemaProfile,
  names: NameScope,
): readonly QueryWarning[] {
  if (!profile.complete) return [];
  const known = {
    class: new Set(profile.classes.flatMap((entry) => [entry.iri, ...entry.superclasses])),
    property: new Set(profile.properties.flatMap(({ iri, inverse }) => (inverse ? [iri, inverse] : [iri]))),
  };
  const warnings: QueryWarning[] = [];
  const candidates: { class?: KnownName[]; property?: KnownName[] } = {};
  const reported = new Set<string>();
  for (const { kind, iri, offset } of namedUses(parsed, names)) {
    const key = `${kind} ${iri}`;
    const expected = known[kind].has(iri) || BUILT_IN.some((namespace) => iri.startsWith(namespace));
    if (expected || reported.has(key) || warnings.length >= LIMITS.maxQueryWarnings) continue;
    reported.add(key);
    candidates[kind] ??= knownNames(kind === "class" ? profile.classes : profile.properties);
    const nearest = nearestBy(localName(iri), candidates[kind], (candidate) => candidate.name);
    warnings.push({
      code: kind === "class" ? "unknown_class" : "unknown_property",
      message: `The data has no ${kind} <${iri}>${nearest === null ? "." : `; did you mean ${names.write(nearest.iri)}?`}`,
      ...placeAt(parsed.text, offset),
      ...(nearest === null ? {} : { suggestion: names.write(nearest.iri) }),
    });
  }
  return warnings;
}
