import type { Analysis } from "../analysis/analysis.js";
import type { AnswerHint } from "../language/language.js";
import { lexiconOf } from "../linking/lexicon.js";
import { type MeasureProperty, measuresNamed, measuresOfKind } from "../linking/measures.js";
import type { MeasureMention, Mention, MentionList, NameMention } from "../linking/mentions.js";
import type { Reading } from "../linking/readings.js";
import { attach, startWith } from "./attach.js";
import { attachMeasure } from "./attach-measure.js";
import { thingsOfKind } from "./attach-property.js";
import type { Attached, Scope } from "./placing.js";
import { graphKey, type QueryGraph } from "./query-graph.js";
import type { SchemaGraph } from "./schema-graph.js";
import { BEAM_WIDTH, WEIGHTS } from "./weights.js";

/**
 * Joins all mentions to one graph: a beam search that adds one mention after the other to the graphs so far, at every
 * place where the schema allows it. What comes out are approximate Steiner trees over the class–property graph.
 */
export function searchGraphs(analysis: Analysis, list: MentionList, schema: SchemaGraph): QueryGraph[] {
  const scope: Scope = { analysis, schema };
  const heads = headsOf(analysis, list, schema);
  const found: QueryGraph[] = [];
  for (const head of heads) {
    let beam = head.graphs;
    for (const mention of head.rest) beam = prune(beam.flatMap((graph) => extend(scope, graph, mention)));
    found.push(...beam);
  }
  const unknownCost = list.unknown.length * WEIGHTS.unknownWord;
  return prune(found.map((graph) => ({ ...graph, score: graph.score - unknownCost - danglingCost(graph) })));
}

/** Nodes that were only passed, at the end of a way that leads nowhere. */
function danglingCost(graph: QueryGraph): number {
  let cost = 0;
  for (const node of graph.nodes) {
    if (node.token >= 0 || node.id === graph.focus || node.typed !== null || node.iris !== undefined)
      continue;
    const degree = graph.edges.filter((edge) => edge.subject === node.id || edge.object === node.id).length;
    if (degree <= 1) cost += WEIGHTS.dangling;
  }
  return cost;
}

function prune(graphs: readonly QueryGraph[]): QueryGraph[] {
  const best = new Map<string, QueryGraph>();
  for (const graph of graphs) {
    const key = graphKey(graph);
    const known = best.get(key);
    if (known === undefined || known.score < graph.score) best.set(key, graph);
  }
  return [...best.values()].sort((a, b) => b.score - a.score).slice(0, BEAM_WIDTH);
}

interface Head {
  readonly graphs: QueryGraph[];
  readonly rest: readonly Mention[];
}

/** Where the search may begin: what is asked for, and for yes-no questions the first thing named. */
function headsOf(analysis: Analysis, list: MentionList, schema: SchemaGraph): Head[] {
  const scope: Scope = { analysis, schema };
  const { mentions } = list;
  const heads: Head[] = [];
  if (analysis.form === "ask") {
    const at = mentions.findIndex((mention) => mention.kind === "name" && mention.negation === 0);
    const first = mentions[at];
    if (first?.kind === "name") heads.push(headFrom(scope, first, without(mentions, at), () => true, false));
    return heads;
  }
  if (analysis.hint === "time" && !mentions.some((mention) => isTemporal(schema, mention))) {
    heads.push(...impliedHeads(scope, list, "time"));
  }
  const tried = new Set<number>();
  const tryHead = (at: number, kinds: (reading: Reading) => boolean) => {
    const mention = mentions[at];
    if (mention?.kind !== "name" || tried.has(at) || mention.negation !== 0) return;
    tried.add(at);
    heads.push(headFrom(scope, mention, without(mentions, at), kinds, true));
  };
  const asked = (reading: Reading) => reading.kind === "class" || reading.kind === "property";
  const candidates = mentions.flatMap((mention, at) =>
    mention.kind === "name" &&
    mention.role !== "group" &&
    mention.counted === undefined &&
    mention.readings.some(asked)
      ? [at]
      : [],
  );
  const quality = mentions.findIndex((mention) => mention.kind === "measure" && mention.constraint === null);
  const aggregated = mentions.findIndex(
    (mention) => mention.kind === "measure" && mention.constraint?.kind === "aggregate",
  );
  if (quality >= 0) heads.push(...qualityHeads(scope, mentions, quality));
  else if (aggregated >= 0 && candidates.length === 0)
    heads.push(...qualityHeads(scope, mentions, aggregated));
  else {
    for (const at of candidates.slice(0, 2)) tryHead(at, asked);
  }
  const kind = mentions.findIndex((mention) => mention.kind === "name" && isKindName(analysis, mention));
  const classAt = mentions.findIndex(
    (mention) => mention.kind === "name" && mention.readings[0]?.kind === "class",
  );
  if (kind >= 0 && quality < 0 && (classAt < 0 || kind < classAt))
    heads.push(...kindHeads(scope, mentions, kind));
  if (heads.every((head) => head.graphs.length === 0))
    heads.push(...impliedHeads(scope, list, analysis.hint));
  return heads;
}

function without(mentions: readonly Mention[], at: number): Mention[] {
  return mentions.filter((_, other) => other !== at);
}

function headFrom(
  scope: Scope,
  mention: NameMention,
  rest: readonly Mention[],
  kinds: (reading: Reading) => boolean,
  focused: boolean,
): Head {
  const graphs: QueryGraph[] = [];
  for (const reading of mention.readings.filter(kinds)) {
    for (const { graph, node } of startWith(scope, reading, mention)) {
      const focus = focused || (reading.kind !== "entity" && scope.analysis.form === "ask") ? node : null;
      graphs.push({ ...graph, focus, recent: node });
    }
  }
  // What stands before the thing asked for belongs to it ("human proteins"); the nearest comes first.
  const before = rest.filter((other) => other.to <= mention.from).reverse();
  const after = rest.filter((other) => other.to > mention.from);
  return { graphs: prune(graphs), rest: [...before, ...after] };
}

function isTemporal(schema: SchemaGraph, mention: Mention): boolean {
  if (mention.kind === "measure") return false;
  return mention.readings.some(
    (reading) => reading.kind === "property" && schema.valueKindOf(reading.iri) === "time",
  );
}

/** A common noun that names a thing or a value of the data: "paintings" where painting is a concept. */
function isKindName(analysis: Analysis, mention: NameMention): boolean {
  if (mention.negation !== 0 || mention.role !== "plain" || mention.counted !== undefined) return false;
  if (
    analysis.tokens
      .slice(mention.from, mention.to)
      .some((token) => token.capitalized || token.kind !== "word")
  )
    return false;
  return mention.readings.some((reading) => reading.kind === "entity" || reading.kind === "value");
}

/** All that is of a kind: whatever some property links to the thing, or has the value. */
function kindHeads(scope: Scope, mentions: readonly Mention[], at: number): Head[] {
  const { schema } = scope;
  const mention = mentions[at];
  if (mention?.kind !== "name") return [];
  const graphs: QueryGraph[] = [];
  for (const reading of mention.readings) {
    if (reading.kind === "value") {
      for (const { graph } of startWith(scope, reading, mention)) {
        graphs.push({ ...graph, focus: graph.recent, score: graph.score - WEIGHTS.kindAsClass });
      }
    }
    if (reading.kind !== "entity") continue;
    for (const { iri } of schema.profile.properties) {
      const uses = schema
        .usesOf(iri)
        .filter((use) => use.range !== null && schema.compatible(reading.classes, [use.range]));
      if (uses.length === 0 || uses.every((use) => schema.compatible([use.domain], reading.classes)))
        continue;
      for (const { graph, node } of startWith(scope, reading, mention)) {
        for (const { graph: next, node: focus } of thingsOfKind(scope, graph, node, iri, mention)) {
          graphs.push({ ...next, focus, recent: focus, score: next.score - WEIGHTS.kindAsClass });
        }
      }
    }
  }
  return [{ graphs: prune(graphs), rest: [...mentions.slice(0, at).reverse(), ...mentions.slice(at + 1)] }];
}

/** "How long is the Danube?": the thing comes first, its quality is what is asked. */
function qualityHeads(scope: Scope, mentions: readonly Mention[], at: number): Head[] {
  const quality = mentions[at];
  if (quality?.kind !== "measure") return [];
  const owner = mentions.findIndex((mention, other) => other !== at && mention.kind === "name");
  const first = mentions[owner];
  if (first?.kind !== "name") return [];
  const rest = mentions.filter((_, other) => other !== at && other !== owner);
  const graphs: QueryGraph[] = [];
  for (const reading of first.readings) {
    for (const { graph, node } of startWith(scope, reading, first)) {
      for (const measured of attachMeasure(scope, { ...graph, recent: node }, quality)) {
        const measures = quality.constraint === null ? [] : [measureFor(measured, quality)];
        graphs.push({
          ...measured.graph,
          focus: measured.node,
          measures: [...measured.graph.measures, ...measures],
          recent: node,
        });
      }
    }
  }
  return [{ graphs: prune(graphs), rest }];
}

/** "Who wrote X?", "Where is X?", "When was X founded?": what is asked follows from the word that asks. */
function impliedHeads(scope: Scope, list: MentionList, hint: AnswerHint | null): Head[] {
  const { mentions } = list;
  const at = mentions.findIndex(
    (mention) =>
      mention.kind === "name" &&
      mention.negation === 0 &&
      mention.readings.some((reading) => reading.kind !== "property"),
  );
  const first = mentions[at];
  if (first?.kind !== "name") return [];
  const rest = without(mentions, at);
  const graphs: QueryGraph[] = [];
  const described: QueryGraph[] = [];
  for (const reading of first.readings) {
    for (const { graph, node } of startWith(scope, reading, first)) {
      if (hint === "place" || hint === "time" || hint === "person") {
        for (const target of hintedAttributes(scope, graph, hint, first))
          graphs.push({ ...target.graph, focus: target.node, recent: node });
      }
      described.push({ ...graph, focus: node, recent: node });
    }
  }
  return [{ graphs: prune(graphs.length > 0 ? graphs : described), rest }];
}

function hintedAttributes(
  scope: Scope,
  graph: QueryGraph,
  hint: "place" | "time" | "person",
  owner: NameMention,
): Attached[] {
  const { schema, analysis } = scope;
  const found: Attached[] = [];
  if (hint === "time") {
    const mention: MeasureMention = {
      kind: "measure",
      from: owner.from,
      to: owner.to,
      negation: 0,
      properties: timesNamed(scope),
      constraint: null,
    };
    return attachMeasure(scope, graph, mention);
  }
  const lexicon = lexiconOf(schema.profile);
  analysis.language.hintWords[hint].forEach((word, at) => {
    for (const { kind, iri, label, score } of lexicon.find(word)) {
      const reading: Reading = { kind, iri, label, score: Math.max(0.3, score * 0.7 - at * 0.01) };
      found.push(
        ...attach(scope, graph, reading, {
          kind: "name",
          from: owner.to,
          to: owner.to,
          negation: 0,
          role: "plain",
          readings: [reading],
        }),
      );
    }
  });
  return found;
}

/** All properties that hold times; those that a word of the question names come first ("since when"). */
function timesNamed({ schema, analysis }: Scope): MeasureProperty[] {
  const words = analysis.tokens.flatMap(({ folded, lemma }) => [
    folded,
    ...(analysis.language.synonyms.get(lemma) ?? []),
  ]);
  const named = measuresNamed(schema, words).filter((measure) => measure.kind === "time");
  const known = new Set(named.map((measure) => measure.path.join(" ")));
  const others = measuresOfKind(schema, "time").filter((measure) => !known.has(measure.path.join(" ")));
  return [...named, ...others];
}

function measureFor(
  attached: { node: number; inverted: boolean; property: string },
  mention: MeasureMention,
) {
  if (mention.constraint === null) throw new TypeError("A quality without a constraint has no measure.");
  const { node, inverted, property } = attached;
  return { node, inverted, property, counted: false, constraint: mention.constraint };
}

function extend(scope: Scope, graph: QueryGraph, mention: Mention): QueryGraph[] {
  const next =
    mention.kind === "measure" ? extendMeasure(scope, graph, mention) : extendName(scope, graph, mention);
  const { from, to } = mention;
  const left: QueryGraph = {
    ...graph,
    score: graph.score - WEIGHTS.dropped,
    dropped: [...graph.dropped, { from, to }],
  };
  return [...next, left];
}

function extendMeasure(scope: Scope, graph: QueryGraph, mention: MeasureMention): QueryGraph[] {
  const { constraint } = mention;
  return attachMeasure(scope, graph, mention).map((measured) => {
    if (constraint === null) return { ...measured.graph, beside: [...measured.graph.beside, measured.node] };
    const measures = [...measured.graph.measures, measureFor(measured, mention)];
    const focus = constraint.kind === "aggregate" ? measured.node : measured.graph.focus;
    return { ...measured.graph, measures, focus };
  });
}

function extendName(scope: Scope, graph: QueryGraph, mention: NameMention): QueryGraph[] {
  const versus = graph.measures.findIndex(
    (measure) => measure.constraint.kind === "versus" && measure.other === undefined,
  );
  if (versus >= 0) {
    const compared = compareWith(scope, graph, mention, versus);
    if (compared.length > 0) return compared;
  }
  const found: QueryGraph[] = [];
  for (const reading of mention.readings) {
    for (const { graph: next, node } of attach(scope, graph, reading, mention))
      found.push(withRole(next, node, mention));
  }
  return found;
}

function withRole(graph: QueryGraph, node: number, mention: NameMention): QueryGraph {
  if (mention.role === "group")
    return { ...graph, groups: [...graph.groups, node], recent: graph.focus ?? node };
  if (mention.role === "beside")
    return { ...graph, beside: [...graph.beside, node], recent: graph.focus ?? node };
  if (mention.counted === undefined) return graph;
  const measure = {
    node,
    counted: true,
    inverted: false,
    property: null,
    constraint: mention.counted,
  } as const;
  return { ...graph, measures: [...graph.measures, measure] };
}

/** "longer than the Rhine": the other thing's value over the same way. */
function compareWith(scope: Scope, graph: QueryGraph, mention: NameMention, at: number): QueryGraph[] {
  const measure = graph.measures[at];
  const edge = graph.edges.find((other) => other.object === measure?.node);
  const subject = edge === undefined ? undefined : graph.nodes[edge.subject];
  if (measure === undefined || edge === undefined || subject === undefined) return [];
  return mention.readings.flatMap((reading): QueryGraph[] => {
    if (reading.kind !== "entity" || !scope.schema.compatible(reading.classes, subject.classes)) return [];
    return startWith(scope, reading, mention).map(({ graph: alone }) => {
      const thing = graph.nodes.length;
      const value = thing + 1;
      const named = graph.nodes[measure.node]?.named;
      const nodes = [
        ...graph.nodes,
        ...alone.nodes.slice(0, 1).map((node) => ({ ...node, id: thing })),
        {
          id: value,
          kind: "literal",
          classes: [],
          typed: null,
          negation: 0,
          token: mention.from,
          ...(named === undefined ? {} : { named }),
        } as const,
      ];
      return {
        ...graph,
        nodes,
        edges: [...graph.edges, { subject: thing, path: edge.path, object: value, negation: 0 }],
        measures: graph.measures.map((known, index) => (index === at ? { ...known, other: value } : known)),
        links: [...graph.links, ...alone.links.map((link) => ({ ...link, node: thing }))],
        score: graph.score + alone.score,
      };
    });
  });
}
