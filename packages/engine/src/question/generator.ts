import { setImmediate as nextTurn } from "node:timers/promises";
import { EngineFailure } from "../failure.js";
import type { Alternative, Draft, GenerationEvent, GenerationRequest, Generator } from "../generator.js";
import { LIMITS } from "../limits.js";
import { type Analysis, analyze } from "./analysis/analysis.js";
import { nearestExample } from "./examples.js";
import { confidenceOf, explain, linksOf, notUnderstoodIn, spanOf } from "./explanation.js";
import type { QueryGraph } from "./graph/query-graph.js";
import { type SchemaGraph, schemaGraphOf } from "./graph/schema-graph.js";
import { searchGraphs } from "./graph/search.js";
import { CANDIDATES } from "./graph/weights.js";
import { joinedLists } from "./linking/coordination.js";
import { linkSpans } from "./linking/links.js";
import { type MentionList, readMentions } from "./linking/mentions.js";
import { type Segmentation, segment } from "./linking/segmentation.js";
import { type BuiltQuery, buildQuery } from "./query/build.js";
import { serialize } from "./query/serializer.js";
import { type Candidate, type Ranked, rankByExecution } from "./ranking.js";

export interface GroundedOptions {
  /** Further readings given beside the best one. Default 3. */
  readonly alternatives?: number;
}

interface Reading extends Candidate {
  readonly graph: QueryGraph;
  readonly list: MentionList;
  readonly segmentation: Segmentation;
  readonly built: BuiltQuery;
}

/**
 * A generator with no model and no network: it knows only what the endpoint tells of itself (schema, labels,
 * examples, trial queries) and general tables of the language. The same question over the same data gives the same
 * draft. Throws `not_understood` when nothing of the question names anything there, `bad_request` for an empty or
 * overlong question, `query_cancelled` when the signal aborts.
 */
export function createGroundedGenerator({ alternatives = 3 }: GroundedOptions = {}): Generator {
  return {
    strategy: "grounded",
    generate: (request) => generate(request, alternatives),
  };
}

async function* generate(
  request: GenerationRequest,
  alternatives: number,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const { endpoint, signal, projection } = request;
  const question = checked(request.question);
  const alive = () => {
    if (signal.aborted) throw new EngineFailure("query_cancelled", "The question was cancelled.");
  };
  alive();
  yield { kind: "step", stage: "parsing", fraction: 0, message: "Reading the question" };
  const analysis = analyze(question);
  yield parsed(analysis);

  const [profile, labels, examples] = await Promise.all([
    endpoint.profile(signal),
    endpoint.labels(signal),
    endpoint.examples(signal),
  ]);
  alive();
  yield {
    kind: "step",
    stage: "validating",
    fraction: 0.2,
    message: `Looking up names among ${labels.size}`,
  };
  const schema = schemaGraphOf(profile);
  const spans = await linkSpans(analysis, schema, labels, signal);
  alive();
  const segmentations = segment(analysis, spans);
  const [first] = segmentations;
  yield {
    kind: "step",
    stage: "validating",
    fraction: 1,
    message: `${first?.spans.length ?? 0} parts of the question name something in the data`,
    details: {
      links:
        first?.spans.map(({ from, to, readings }) => ({
          text: spanOf(analysis, from, to).text,
          taken: readings[0]?.label,
        })) ?? [],
      notUnderstood: first?.unknown.map((at) => analysis.tokens[at]?.text) ?? [],
    },
  };
  await nextTurn();
  alive();

  yield { kind: "step", stage: "generating", fraction: 0, message: "Composing queries" };
  const readings = compose(analysis, segmentations, schema, projection);
  const example = nearestExample(question, examples);
  if (readings.length === 0 && example === null) throw notUnderstood(analysis, schema);
  await nextTurn();
  alive();
  yield {
    kind: "step",
    stage: "generating",
    fraction: 0.5,
    message: `Trying ${readings.length} queries`,
    details: { candidates: readings.length },
  };
  const ranked = await rankByExecution(readings, request).catch((error: unknown) => {
    alive();
    throw error;
  });
  alive();
  yield {
    kind: "step",
    stage: "generating",
    fraction: 1,
    message: "Ranked the queries by what they found",
    details: { tried: ranked.filter(({ trial }) => trial !== null).length },
  };
  const draft = drafted(analysis, schema, ranked, alternatives);
  yield {
    kind: "draft",
    draft:
      example === null
        ? requireDraft(draft)
        : withExample(
            draft,
            example.example.sparql,
            example.example.question,
            example.similarity,
            projection,
          ),
  };
}

function checked(question: string): string {
  if (question.trim() === "")
    throw new EngineFailure(
      "question_required",
      "The question is empty. Ask something, for example: List all classes.",
    );
  if (question.length > LIMITS.maxQuestionCharacters) {
    throw new EngineFailure(
      "bad_request",
      `The question has ${question.length} characters; at most ${LIMITS.maxQuestionCharacters} are read. Shorten it.`,
    );
  }
  return question;
}

function parsed(analysis: Analysis): GenerationEvent {
  return {
    kind: "step",
    stage: "parsing",
    fraction: 1,
    message: analysis.form === "ask" ? "A yes-no question" : "A question for things or values",
    details: {
      language: analysis.language.tag,
      tokens: analysis.tokens.map((token) => token.text),
      operators: analysis.operators.map((operator) => ({
        kind: operator.kind,
        text: spanOf(analysis, operator.from, operator.to).text,
      })),
      expects: analysis.form === "ask" ? "boolean" : (analysis.hint ?? "thing"),
    },
  };
}

/** Every way to read the question, as queries: the best ones, each text once. */
function compose(
  analysis: Analysis,
  segmentations: readonly Segmentation[],
  schema: SchemaGraph,
  projection: GenerationRequest["projection"],
): Reading[] {
  const best = new Map<string, Reading>();
  const most = segmentations[0]?.score ?? 0;
  segmentations.forEach((segmentation) => {
    for (const { list, cost } of joinedLists(
      analysis,
      segmentation,
      readMentions(analysis, segmentation, schema),
    )) {
      for (const graph of searchGraphs(analysis, list, schema).slice(0, CANDIDATES)) {
        const reading = readingOf(analysis, schema, projection, {
          graph,
          list,
          segmentation,
          score: graph.score - (most - segmentation.score) - cost,
        });
        if (reading === null) continue;
        const known = best.get(reading.sparql);
        if (known === undefined || known.score < reading.score) best.set(reading.sparql, reading);
      }
    }
  });
  return [...best.values()]
    .sort((a, b) => b.score - a.score || (a.sparql < b.sparql ? -1 : 1))
    .slice(0, CANDIDATES);
}

function readingOf(
  analysis: Analysis,
  schema: SchemaGraph,
  projection: GenerationRequest["projection"],
  parts: Pick<Reading, "graph" | "list" | "segmentation" | "score">,
): Reading | null {
  const { graph, list } = parts;
  if (graph.nodes.length === 0) return null;
  const built = buildQuery(graph, schema, analysis, list, projection);
  let sparql: string;
  let denied: string | null;
  try {
    sparql = serialize(built.form, schema.profile.prefixes);
    denied = deniedBy(built, schema);
  } catch (error) {
    // A name that SPARQL cannot write spoils only the readings that use it.
    if (error instanceof EngineFailure && error.code === "bad_query") return null;
    throw error;
  }
  const negated =
    graph.nodes.some((node) => node.negation !== 0) || graph.edges.some((edge) => edge.negation !== 0);
  const { form } = built.form;
  return {
    ...parts,
    built,
    sparql,
    form,
    denied,
    mayBeEmpty: negated,
    singular: isSingular(analysis, graph),
  };
}

/** Asks whether what the query denies is true of anything: otherwise the denial is not what was meant. */
function deniedBy({ form }: BuiltQuery, schema: SchemaGraph): string | null {
  const where = form.where.flatMap((pattern) => (pattern.kind === "absent" ? pattern.patterns : []));
  if (where.length === 0) return null;
  return serialize({ ...form, form: "ask", where }, schema.profile.prefixes);
}

function isSingular(analysis: Analysis, graph: QueryGraph): boolean {
  const link = graph.links.find((used) => used.node === graph.focus);
  const token = link === undefined ? undefined : analysis.tokens[link.to - 1];
  return token !== undefined && analysis.hint !== "quantity" && token.lemma === token.folded;
}

function drafted(
  analysis: Analysis,
  schema: SchemaGraph,
  ranked: readonly Ranked<Reading>[],
  alternatives: number,
): Draft | null {
  const [best, second] = ranked;
  if (best === undefined) return null;
  const margin = second === undefined ? 2 : best.score - second.score;
  const one = describeReading(analysis, schema, best, margin);
  const others = ranked
    .slice(1)
    .filter(({ trial }) => trial !== "failed")
    .slice(0, alternatives)
    .map((other) => describeReading(analysis, schema, other, 0));
  const clarification = clarify(best, second, one, others[0]);
  return {
    ...one,
    alternatives: others.map(({ sparql, explanation, confidence }) => ({
      sparql,
      explanation,
      confidence: Math.min(confidence, one.confidence),
    })),
    ...(clarification === null ? {} : { clarification }),
  };
}

function describeReading(analysis: Analysis, schema: SchemaGraph, ranked: Ranked<Reading>, margin: number) {
  const { graph, list, segmentation, built, sparql } = ranked.candidate;
  const links = linksOf(analysis, graph, segmentation.operators, built.patternsOf, schema.profile.prefixes);
  const missing = notUnderstoodIn(analysis, list, graph);
  const confidence = confidenceOf(graph, missing.length, margin, ranked.trial);
  return { sparql, links, notUnderstood: missing, explanation: explain(links, missing), confidence };
}

/** Where two readings are nearly equal, the words that they read differently. */
function clarify(
  best: Ranked<Reading>,
  second: Ranked<Reading> | undefined,
  one: Pick<Draft, "links">,
  other: Pick<Draft, "links"> | undefined,
): string | null {
  if (
    second === undefined ||
    other === undefined ||
    best.score - second.score > 0.25 ||
    second.trial === "failed"
  )
    return null;
  for (const link of one.links) {
    const same = other.links.find((candidate) => candidate.start === link.start);
    if (same === undefined || same.iri === link.iri || same.label === link.label) continue;
    return `Does “${link.text}” mean the ${link.kind} “${link.label}” or the ${same.kind} “${same.label}”?`;
  }
  return null;
}

function requireDraft(draft: Draft | null): Draft {
  if (draft === null) throw new EngineFailure("not_understood", "No reading of the question gives a query.");
  return draft;
}

/**
 * The endpoint's own example for the same question. For whoever wants rich rows it is the answer when the questions
 * are equal; where exactly what was asked is wanted it stays an alternative, since examples show more columns.
 */
function withExample(
  draft: Draft | null,
  sparql: string,
  question: string,
  similarity: number,
  projection: GenerationRequest["projection"],
): Draft {
  const explanation = `The endpoint's own example “${question}”.`;
  if (draft === null || (similarity === 1 && projection === "rich")) {
    const own: Alternative[] =
      draft === null
        ? []
        : [{ sparql: draft.sparql, explanation: draft.explanation, confidence: draft.confidence }];
    return {
      sparql,
      explanation,
      confidence: Math.round(similarity * 970) / 1_000,
      links: draft?.links ?? [],
      notUnderstood: [],
      alternatives: [...own, ...(draft?.alternatives ?? [])].slice(0, 3),
    };
  }
  const example: Alternative = { sparql, explanation, confidence: Math.min(draft.confidence, similarity) };
  return { ...draft, alternatives: [example, ...draft.alternatives].slice(0, 3) };
}

function notUnderstood(analysis: Analysis, schema: SchemaGraph): EngineFailure {
  const words = analysis.tokens.filter((_, at) => analysis.content[at]).map((token) => `“${token.text}”`);
  const known = schema.profile.classes
    .slice(0, 5)
    .map((entry) => entry.labels[0]?.text)
    .filter((label) => label !== undefined);
  const hint = known.length === 0 ? "" : ` The data speak, for instance, of: ${known.join(", ")}.`;
  const reason =
    words.length === 0
      ? "The question holds no word that could name something."
      : `Nothing in the data is called ${words.slice(0, 6).join(", ")}.`;
  return new EngineFailure("not_understood", `${reason}${hint}`);
}
