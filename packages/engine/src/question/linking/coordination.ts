import { type Analysis, isFunctionWord } from "../analysis/analysis.js";
import type { Mention, MentionList, NameMention } from "./mentions.js";
import type { Reading } from "./readings.js";
import type { Segmentation } from "./segmentation.js";

/**
 * "in Germany or France" is one condition with two things. "Germany and France" may be that as well ("the capitals of
 * Germany and France") or two conditions ("spoken in Germany and France"): both are tried, the second reading at a cost.
 */
export function joinedLists(
  analysis: Analysis,
  segmentation: Segmentation,
  list: MentionList,
): { readonly list: MentionList; readonly cost: number }[] {
  const byOr = join(analysis, segmentation, list, ["or"]);
  const byBoth = join(analysis, segmentation, byOr, ["or", "and"]);
  if (byBoth.mentions.length === byOr.mentions.length) return [{ list: byOr, cost: 0 }];
  return [
    { list: byOr, cost: 0 },
    { list: byBoth, cost: 0.2 },
  ];
}

function join(
  analysis: Analysis,
  { operators }: Segmentation,
  list: MentionList,
  kinds: readonly string[],
): MentionList {
  const mentions: Mention[] = [];
  for (const mention of list.mentions) {
    const previous = mentions.at(-1);
    const joined = previous === undefined ? null : joinTwo(analysis, operators, previous, mention, kinds);
    if (joined === null) mentions.push(mention);
    else mentions[mentions.length - 1] = joined;
  }
  return { ...list, mentions };
}

function joinTwo(
  analysis: Analysis,
  operators: Segmentation["operators"],
  first: Mention,
  second: Mention,
  kinds: readonly string[],
): NameMention | null {
  if (first.kind !== "name" || second.kind !== "name" || second.from <= first.to) return null;
  if (first.counted !== undefined || second.counted !== undefined) return null;
  const between = operators.filter((operator) => operator.from >= first.to && operator.to <= second.from);
  if (between.length === 0 || !between.some((operator) => kinds.includes(operator.kind))) return null;
  const joiners = new Set(
    between.flatMap((operator) =>
      Array.from({ length: operator.to - operator.from }, (_, at) => operator.from + at),
    ),
  );
  for (let at = first.to; at < second.from; at += 1) {
    const token = analysis.tokens[at];
    if (token !== undefined && !joiners.has(at) && !isFunctionWord(token, analysis.language)) return null;
  }
  const readings = first.readings.flatMap((reading): Reading[] => {
    const other = second.readings.find((candidate) => alike(reading, candidate));
    return other === undefined ? [] : [merge(reading, other)];
  });
  return readings.length === 0 ? null : { ...first, to: second.to, readings };
}

function alike(a: Reading, b: Reading): boolean {
  if (a.kind === "entity" && b.kind === "entity")
    return a.classes.length === 0 || a.classes.some((iri) => b.classes.includes(iri));
  return a.kind === "value" && b.kind === "value" && a.property === b.property;
}

function merge(a: Reading, b: Reading): Reading {
  const common = { label: `${a.label}, ${b.label}`, score: (a.score + b.score) / 2 };
  if (a.kind === "entity" && b.kind === "entity")
    return { ...a, ...common, iris: [...new Set([...a.iris, ...b.iris])] };
  if (a.kind === "value" && b.kind === "value")
    return { ...a, ...common, values: [...a.values, ...b.values] };
  return a;
}
