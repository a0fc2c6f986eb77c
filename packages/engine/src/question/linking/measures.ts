import { foldText, localNameOf, splitName } from "../../terms/fold.js";
import { holdsYears, type SchemaGraph } from "../graph/schema-graph.js";
import type { Unit } from "../language/language.js";
import { UNITS } from "../language/units.js";
import { lexiconOf } from "./lexicon.js";

/** A property whose values can be compared, or the way to them over a node that only carries the value. */
export interface MeasureProperty {
  readonly path: readonly string[];
  readonly kind: "number" | "time" | "text";
  readonly score: number;
  /** "oldest" by a birth date is the least, by an age the greatest. */
  readonly inverted: boolean;
}

const MOST = 10;
/** Qualities that grow where the date that they are told by goes back. */
const AGE_WORDS = /^(?:age|years? old)$/;

/** Properties by names, the first names counting more, and properties that are known already. */
export function measuresNamed(
  graph: SchemaGraph,
  names: readonly string[],
  known: readonly { readonly iri: string; readonly score: number }[] = [],
): MeasureProperty[] {
  const lexicon = lexiconOf(graph.profile);
  const best = new Map<string, MeasureProperty>();
  const add = (iri: string, score: number, name: string) => {
    const measure = measureOf(graph, iri, score, AGE_WORDS.test(name));
    if (measure !== null && (best.get(iri)?.score ?? 0) < score) best.set(iri, measure);
  };
  names.forEach((name, at) => {
    for (const { kind, iri, score } of lexicon.find(name)) {
      if (kind === "property" && score >= 0.5) add(iri, score * (0.95 - Math.min(0.12, at * 0.01)), name);
    }
  });
  for (const { iri, score } of known) add(iri, score, "");
  return [...best.values()].sort((a, b) => b.score - a.score || compare(a, b)).slice(0, MOST);
}

/** All properties of a kind, the most used first: where the question names a value and not whose. */
export function measuresOfKind(graph: SchemaGraph, kind: "number" | "time", unit?: Unit): MeasureProperty[] {
  const found: MeasureProperty[] = [];
  for (const { iri } of graph.profile.properties) {
    const measure = measureOf(graph, iri, 0.5, false);
    if (measure === null || measure.kind !== kind) continue;
    const own = unit === undefined ? undefined : unitOf(graph, iri);
    found.push(own !== undefined && own.dimension === unit?.dimension ? { ...measure, score: 0.7 } : measure);
  }
  return found.sort((a, b) => b.score - a.score || compare(a, b)).slice(0, MOST * 2);
}

function compare(a: MeasureProperty, b: MeasureProperty): number {
  const [x = "", y = ""] = [a.path.join(" "), b.path.join(" ")];
  return x < y ? -1 : x > y ? 1 : 0;
}

function measureOf(
  graph: SchemaGraph,
  iri: string,
  score: number,
  inverted: boolean,
): MeasureProperty | null {
  const node = graph.valueNodeOf(iri);
  if (node !== undefined) {
    const kind = graph.valueKindOf(node.valueProperty);
    return kind === "number" || kind === "time"
      ? { path: [iri, node.valueProperty], kind, score, inverted }
      : null;
  }
  const kind = graph.valueKindOf(iri);
  if (kind === "time" || holdsYears(graph, iri)) return { path: [iri], kind: "time", score, inverted };
  return kind === "number" ? { path: [iri], kind, score, inverted } : null;
}

/** The unit that a property's name or remark says its numbers are in: "length (km)", `areaKm2`. */
export function unitOf(graph: SchemaGraph, property: string): Unit | undefined {
  const profile = graph.propertyOf(property);
  const names = [...(profile?.labels ?? []).map((label) => label.text), splitName(localNameOf(property))];
  for (const name of names) {
    const words = foldText(name).split(" ");
    for (const word of words.slice(1).reverse()) {
      const unit = UNITS.get(word);
      if (unit !== undefined && word !== "in") return unit;
    }
  }
  const remark = /\bin ((?:square )?[a-z0-9²]+)/i.exec(profile?.comment ?? "")?.[1];
  return remark === undefined ? undefined : UNITS.get(foldText(remark));
}
