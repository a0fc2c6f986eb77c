import { type Analysis, isFunctionWord, isWeakWord } from "../analysis/analysis.js";
import type { DateSpan } from "../analysis/dates.js";
import type { Quantity } from "../analysis/numbers.js";
import type { Aggregate, Operator } from "../analysis/operators.js";
import type { SchemaGraph } from "../graph/schema-graph.js";
import type { Comparison } from "../language/language.js";
import { type MeasureProperty, measuresNamed, measuresOfKind } from "./measures.js";
import type { LinkedSpan, Reading } from "./readings.js";
import type { Segmentation } from "./segmentation.js";

export type Constraint =
  | {
      readonly kind: "compare";
      readonly comparison: Comparison;
      readonly quantity: Quantity;
      readonly upper?: Quantity;
    }
  | {
      readonly kind: "date";
      readonly comparison: Comparison | "in";
      readonly span: DateSpan;
      readonly upper?: DateSpan;
    }
  | {
      readonly kind: "superlative";
      readonly direction: "more" | "less";
      readonly limit: number;
      readonly offset: number;
    }
  | { readonly kind: "order"; readonly descending: boolean }
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate }
  | { readonly kind: "versus"; readonly comparison: Comparison };

interface Place {
  /** Tokens; `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** 0: asserted; else the number of the negated clause that it stands in. */
  readonly negation: number;
}

/** Words that name something. */
export interface NameMention extends Place {
  readonly kind: "name";
  readonly readings: readonly Reading[];
  /** `group`: one answer for each; `beside`: asked for together with the answer. */
  readonly role: "plain" | "group" | "beside";
  /** On how many of these there are. */
  readonly counted?: Constraint;
}

/** A quality of something, and what must be true of it. Without a constraint it is asked for. */
export interface MeasureMention extends Place {
  readonly kind: "measure";
  readonly properties: readonly MeasureProperty[];
  readonly constraint: Constraint | null;
}

export type Mention = NameMention | MeasureMention;

type Element = { readonly kind: "span"; readonly from: number; readonly span: LinkedSpan } | Operator;

interface Builder {
  readonly analysis: Analysis;
  readonly graph: SchemaGraph;
  readonly mentions: Mention[];
  /** The operator that waits for the next name. */
  pending: Operator | null;
  negation: number;
  negations: number;
  /** Tokens that turned out to have no meaning here. */
  readonly lost: number[];
  /** Tokens that an operator took beyond its own. */
  readonly spoken: number[];
}

export interface MentionList {
  readonly mentions: readonly Mention[];
  /** The question asks how many. */
  readonly counts: boolean;
  /** The question asks for the name, not for the thing. */
  readonly names: boolean;
  readonly limit: number | null;
  readonly unknown: readonly number[];
}

/** Turns spans and operators into mentions: each operator finds the words that it works on. */
export function readMentions(
  analysis: Analysis,
  segmentation: Segmentation,
  graph: SchemaGraph,
): MentionList {
  const elements: Element[] = [
    ...segmentation.spans.map((span): Element => ({ kind: "span", from: span.from, span })),
    ...segmentation.operators,
  ].sort((a, b) => a.from - b.from);
  const builder: Builder = {
    analysis,
    graph,
    mentions: [],
    pending: null,
    negation: 0,
    negations: 0,
    lost: [],
    spoken: [],
  };
  let counts = false;
  let names = false;
  let limit: number | null = null;
  for (const element of elements) {
    if (element.kind === "count") {
      counts = true;
      takeCountedNoun(builder, element, segmentation);
    } else if (element.kind === "name") names ||= builder.mentions.length === 0;
    else if (element.kind === "limit") limit = element.limit;
    else if (element.kind === "span") takeSpan(builder, element.span);
    else takeOperator(builder, element);
  }
  flush(builder);
  const unknown = [...segmentation.unknown, ...builder.lost]
    .filter((at) => !builder.spoken.includes(at))
    .sort((a, b) => a - b);
  return { mentions: builder.mentions, counts, names, limit, unknown };
}

/** "How many people live in Kenya?": where no class is called people, it is a number that Kenya has. */
function takeCountedNoun(builder: Builder, operator: Operator, { spans }: Segmentation): void {
  const { tokens, language } = builder.analysis;
  for (const length of [2, 1]) {
    const to = operator.to + length;
    const words = tokens.slice(operator.to, to);
    const counted =
      language.countedNouns.get(words.map((word) => word.lemma).join(" ")) ??
      language.countedNouns.get(words.map((word) => word.folded).join(" "));
    if (counted === undefined || words.length < length) continue;
    if (spans.some((span) => span.from < to && span.to > operator.to && isNamed(span))) return;
    const properties = measuresNamed(builder.graph, counted);
    if (properties.length === 0) continue;
    pushMeasure(builder, { from: operator.from, to }, properties, null);
    builder.spoken.push(...words.map((_, at) => operator.to + at));
    return;
  }
}

function isNamed(span: LinkedSpan): boolean {
  return span.readings.some((reading) => reading.kind === "class" && reading.score >= 0.8);
}

function takeOperator(builder: Builder, operator: Operator): void {
  const { mentions, analysis } = builder;
  switch (operator.kind) {
    case "and":
    case "or":
      flush(builder);
      builder.negation = 0;
      return;
    case "negation":
      flush(builder);
      builder.negations += 1;
      builder.negation = builder.negations;
      return;
    case "quality":
      flush(builder);
      pushMeasure(builder, operator, measuresNamed(builder.graph, operator.gradable.properties), null);
      return;
    case "compare":
      flush(builder);
      if (
        operator.gradable === undefined &&
        takePrevious(builder, operator, { ...operator, kind: "compare" }, "number")
      )
        return;
      builder.pending = operator;
      return;
    case "compare_with":
      flush(builder);
      pushMeasure(builder, operator, measuresNamed(builder.graph, operator.gradable.properties), {
        kind: "versus",
        comparison: operator.comparison,
      });
      return;
    case "date": {
      flush(builder);
      const { kind, comparison, span, upper } = operator;
      const constraint: Constraint = { kind, comparison, span, ...(upper === undefined ? {} : { upper }) };
      if (takePrevious(builder, operator, constraint, "time")) return;
      const last = mentions.at(-1);
      const verb = last?.kind === "name" && last.to === operator.from && analysis.tokens[last.from]?.verb;
      if (verb && last.kind === "name" && !last.readings.some((reading) => reading.score >= 0.95))
        mentions.pop();
      pushMeasure(builder, operator, measuresOfKind(builder.graph, "time"), constraint);
      return;
    }
    case "direction":
    case "count":
    case "name":
    case "limit":
      return;
    default:
      flush(builder);
      builder.pending = operator;
  }
}

/** "mass over 100000", "born before 1900": the words before the operator name the property. */
function takePrevious(
  builder: Builder,
  operator: Operator,
  constraint: Constraint,
  kind: "number" | "time",
): boolean {
  const last = builder.mentions.at(-1);
  if (last?.kind !== "name" || last.role !== "plain") return false;
  const { tokens, language } = builder.analysis;
  const gap = tokens.slice(last.to, operator.from);
  if (gap.length > 3 || gap.some((token) => !isFunctionWord(token, language) && !isWeakWord(token, language)))
    return false;
  if (kind === "time" && gap.length > 1) return false;
  // "countries with more than 3 languages": the words after the number come first.
  const best = last.readings[0];
  if (best?.kind === "class" && best.score > 0.9) return false;
  const words = tokens.slice(last.from, last.to);
  const properties = measuresAmong(builder, last.readings, kind);
  if (properties.length === 0 && kind === "time") {
    const synonyms = words.flatMap((word) => [
      ...(language.synonyms.get(word.folded) ?? []),
      ...(language.synonyms.get(word.lemma) ?? []),
    ]);
    properties.push(...measuresNamed(builder.graph, synonyms).filter((measure) => measure.kind === "time"));
  }
  if (properties.length === 0) return false;
  builder.mentions.pop();
  builder.mentions.push({
    kind: "measure",
    from: last.from,
    to: operator.to,
    negation: builder.negation,
    properties,
    constraint,
  });
  return true;
}

function measuresAmong(
  builder: Builder,
  readings: readonly Reading[],
  kind: "number" | "time" | "any",
): MeasureProperty[] {
  return readings.flatMap((reading) => {
    if (reading.kind !== "property") return [];
    return measuresNamed(builder.graph, [], [{ iri: reading.iri, score: reading.score }]).filter(
      (measure) => kind === "any" || measure.kind === kind,
    );
  });
}

function takeSpan(builder: Builder, span: LinkedSpan): void {
  if (builder.spoken.includes(span.from)) return;
  const pending = builder.pending;
  builder.pending = null;
  if (pending === null) {
    pushName(builder, span, "plain");
    return;
  }
  const measures = measuresAmong(builder, span.readings, "any");
  const best = span.readings[0];
  const measured =
    measures.length > 0 && (best?.kind === "property" || (measures[0]?.score ?? 0) >= (best?.score ?? 0));
  const near = span.from - pending.to <= 1;
  switch (pending.kind) {
    case "group":
      pushName(builder, span, "group");
      return;
    case "possessive": {
      const asked = span.readings[0]?.kind === "property" || span.readings[0]?.kind === "class";
      pushName(builder, span, asked && builder.mentions.length > 0 ? "beside" : "plain");
      return;
    }
    case "order":
      if (measured)
        pushMeasure(builder, { ...pending, to: span.to }, measures, {
          kind: "order",
          descending: pending.descending,
        });
      else pushName(builder, span, "plain");
      return;
    case "aggregate":
      if (measured)
        pushMeasure(builder, { ...pending, to: span.to }, measures, {
          kind: "aggregate",
          aggregate: pending.aggregate,
        });
      else pushName(builder, span, "plain");
      return;
    case "extreme": {
      const constraint: Constraint = {
        kind: "superlative",
        direction: pending.direction,
        limit: pending.limit,
        offset: 0,
      };
      const counted = builder.analysis.language.countedNouns.get(
        builder.analysis.tokens[span.from]?.lemma ?? "",
      );
      const alternatives = measured
        ? measures
        : counted === undefined
          ? []
          : measuresNamed(builder.graph, counted);
      if (alternatives.length > 0)
        pushMeasure(builder, { ...pending, to: span.to }, alternatives, constraint);
      else pushName(builder, span, "plain", constraint);
      return;
    }
    case "superlative": {
      const { gradable, limit, offset } = pending;
      const constraint: Constraint = { kind: "superlative", direction: gradable.direction, limit, offset };
      if (measured && near) {
        // "the oldest age" is rare; "largest population" means most of it whatever "large" usually measures.
        pushMeasure(builder, { ...pending, to: span.to }, measures, constraint);
        return;
      }
      flushSuperlative(builder, pending);
      pushName(builder, span, "plain");
      return;
    }
    case "compare": {
      const constraint: Constraint = { ...pending, kind: "compare" };
      const bare = pending.gradable === undefined && pending.quantity.counted === undefined;
      const things = best?.kind === "class" || best?.kind === "property";
      if (near && measured && bare) pushMeasure(builder, { ...pending, to: span.to }, measures, constraint);
      else if (near && things && bare && pending.quantity.unit === undefined)
        pushName(builder, span, "plain", constraint);
      else {
        flushCompare(builder, pending);
        pushName(builder, span, "plain");
      }
      return;
    }
    default:
      pushName(builder, span, "plain");
  }
}

/** An operator that found no words behind it takes what it means by itself, or is lost. */
function flush(builder: Builder): void {
  const pending = builder.pending;
  builder.pending = null;
  if (pending === null) return;
  if (pending.kind === "superlative") flushSuperlative(builder, pending);
  else if (pending.kind === "compare") flushCompare(builder, pending);
  else if (pending.kind === "extreme") flushExtreme(builder, pending);
  else if (pending.kind !== "possessive")
    for (let at = pending.from; at < pending.to; at += 1) builder.lost.push(at);
}

function flushExtreme(builder: Builder, pending: Operator & { kind: "extreme" }): void {
  const next = builder.analysis.tokens[pending.to];
  const counted = builder.analysis.language.countedNouns.get(next?.lemma ?? "");
  if (counted === undefined) return;
  pushMeasure(builder, pending, measuresNamed(builder.graph, counted), {
    kind: "superlative",
    direction: pending.direction,
    limit: pending.limit,
    offset: 0,
  });
}

function flushSuperlative(builder: Builder, operator: Operator & { kind: "superlative" }): void {
  const { gradable, limit, offset } = operator;
  const constraint: Constraint = { kind: "superlative", direction: gradable.direction, limit, offset };
  pushMeasure(builder, operator, measuresNamed(builder.graph, gradable.properties), constraint);
}

function flushCompare(builder: Builder, operator: Operator & { kind: "compare" }): void {
  const words = operator.gradable?.properties ?? operator.quantity.counted ?? [];
  const named = measuresNamed(builder.graph, words);
  const properties =
    named.length > 0 ? named : measuresOfKind(builder.graph, "number", operator.quantity.unit);
  pushMeasure(builder, operator, properties, { ...operator, kind: "compare" });
}

function pushName(builder: Builder, span: LinkedSpan, role: NameMention["role"], counted?: Constraint): void {
  const { from, to, readings } = span;
  const mention = { kind: "name", from, to, readings, role, negation: builder.negation } as const;
  builder.mentions.push(counted === undefined ? mention : { ...mention, counted });
}

function pushMeasure(
  builder: Builder,
  place: { readonly from: number; readonly to: number },
  properties: readonly MeasureProperty[],
  constraint: Constraint | null,
): void {
  const { from, to } = place;
  if (properties.length === 0) {
    for (let at = from; at < to; at += 1)
      if (builder.analysis.tokens[at]?.kind === "word") builder.lost.push(at);
    return;
  }
  builder.mentions.push({ kind: "measure", from, to, properties, constraint, negation: builder.negation });
}
