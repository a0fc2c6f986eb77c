import { readFile, stat } from "node:fs/promises";
import { DataFactory, Parser, type Quad, Store } from "n3";
import type { Executor } from "../executor.js";
import { EngineFailure } from "../failure.js";
import type { ExampleQuery } from "../profile.js";
import { OWL, RDFS } from "../rdf.js";
import { type Inquiry, iriIn, openInquiry, textIn } from "./inquiry.js";
import { iriList } from "./sparql-terms.js";
import { RDF_TYPE, SCHEMA, SH } from "./vocabulary.js";

const MAX_FILE_BYTES = 50 * 1024 * 1024;
const MAX_EXAMPLES = 5_000;
const MAX_ROWS = 100_000;
const BUDGET_MS = 10_000;
const MAX_IMPORTS = 100;

const QUERY_FORMS = ["select", "ask", "construct", "describe"] as const;
const TYPES = ["", "Select", "Ask", "Construct", "Describe"].map((form) => `${SH}SPARQL${form}Executable`);
const QUERIES = QUERY_FORMS.map((form) => SH + form);
const QUESTIONS = [`${RDFS}comment`, `${RDFS}label`];
const KEYWORDS = [`${SCHEMA}keywords`, "https://schema.org/keywords"];

const FORMATS: ReadonlyMap<string, string> = new Map([
  ["ttl", "text/turtle"],
  ["turtle", "text/turtle"],
  ["nt", "application/n-triples"],
  ["nq", "application/n-quads"],
  ["trig", "application/trig"],
]);

export interface ExampleOptions {
  /** Files in Turtle, TriG, N-Triples or N-Quads. */
  readonly files: readonly string[];
  /** The endpoint, whose data may hold examples too; `null`: files only. */
  readonly executor: Executor | null;
  /** For prefixes that a query uses and nobody declares. */
  readonly prefixes: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What is said of one example, wherever it stands. */
interface RawExample {
  readonly iri: string;
  readonly statements: { readonly predicate: string; readonly text: string; readonly lang: string }[];
  readonly prefixes: Map<string, string>;
}

/**
 * Reads example queries as SHACL describes executables (W3C "SHACL", section 5.2; `sh:SPARQLExecutable` with
 * `sh:select`, `sh:ask`, `sh:construct` or `sh:describe`, and the question as `rdfs:comment`), from files and from the
 * endpoint's own data. Prefixes that an example names by `sh:prefixes` become PREFIX lines. Sorted by IRI; an example
 * without a question or without a query is left out.
 *
 * Throws `data_unreadable` for a file that cannot be read, with file and line; an endpoint that does not answer in
 * time has no examples.
 */
export async function readExamples({
  files,
  executor,
  prefixes,
  signal,
}: ExampleOptions): Promise<ExampleQuery[]> {
  const raws = new Map<string, RawExample>();
  for (const file of files) {
    for (const raw of examplesOfStore(await parseFile(file))) raws.set(raw.iri, raw);
  }
  if (executor !== null) {
    using inquiry = openInquiry({ executor, budgetMs: BUDGET_MS, signal });
    for (const raw of await examplesOfEndpoint(inquiry)) if (!raws.has(raw.iri)) raws.set(raw.iri, raw);
  }
  const examples: ExampleQuery[] = [];
  for (const raw of [...raws.values()].sort((a, b) => (a.iri < b.iri ? -1 : 1)).slice(0, MAX_EXAMPLES)) {
    const example = toExample(raw, prefixes);
    if (example !== null) examples.push(example);
  }
  return examples;
}

async function parseFile(file: string): Promise<Store> {
  const extension = file.slice(file.lastIndexOf(".") + 1).toLowerCase();
  const format = FORMATS.get(extension);
  if (format === undefined) {
    throw new EngineFailure(
      "data_unreadable",
      `Example queries are read from ${[...FORMATS.keys()].map((name) => `.${name}`).join(", ")} files; "${file}" is none.`,
      { detail: file },
    );
  }
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
    return new Store(new Parser({ format }).parse(await readFile(file, "utf8")));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const line = /line (\d+)/.exec(message)?.[1];
    throw new EngineFailure(
      "data_unreadable",
      `The example queries in "${file}" cannot be read: ${message}`,
      {
        cause,
        detail: file,
        ...(line === undefined ? undefined : { place: { line: Number(line), column: 1 } }),
      },
    );
  }
}

function examplesOfStore(store: Store): RawExample[] {
  const iris = new Set<string>();
  for (const type of TYPES) {
    for (const subject of store.getSubjects(RDF_TYPE, type, null)) {
      if (subject.termType === "NamedNode") iris.add(subject.value);
    }
  }
  return [...iris].slice(0, MAX_EXAMPLES).map((iri) => {
    const quads = store.getQuads(DataFactory.namedNode(iri), null, null, null);
    const statements = quads.flatMap(({ predicate, object }) =>
      object.termType === "Literal"
        ? [{ predicate: predicate.value, text: object.value, lang: object.language }]
        : [],
    );
    return { iri, statements, prefixes: declaredPrefixes(store, quads) };
  });
}

/** The declarations of what `sh:prefixes` names and, transitively, `owl:imports` (SHACL, section 5.2.1). */
function declaredPrefixes(store: Store, quads: readonly Quad[]): Map<string, string> {
  const prefixes = new Map<string, string>();
  const open = quads
    .filter(({ predicate }) => predicate.value === `${SH}prefixes`)
    .map(({ object }) => object);
  const seen = new Set<string>();
  for (let next = open.pop(); next !== undefined && seen.size < MAX_IMPORTS; next = open.pop()) {
    if (seen.has(next.id) || next.termType === "Literal") continue;
    seen.add(next.id);
    open.push(...store.getQuads(next, `${OWL}imports`, null, null).map(({ object }) => object));
    for (const { object: declaration } of store.getQuads(next, `${SH}declare`, null, null)) {
      const [prefix] = store.getObjects(declaration, `${SH}prefix`, null);
      const [namespace] = store.getObjects(declaration, `${SH}namespace`, null);
      if (prefix !== undefined && namespace !== undefined) prefixes.set(prefix.value, namespace.value);
    }
  }
  return prefixes;
}

async function examplesOfEndpoint(inquiry: Inquiry): Promise<RawExample[]> {
  const raws = new Map<string, RawExample>();
  const answer = await inquiry.ask({
    text: `SELECT ?e ?p ?o WHERE { { SELECT DISTINCT ?e WHERE { VALUES ?type { ${iriList(TYPES)} } ?e a ?type FILTER(isIRI(?e)) } } VALUES ?p { ${iriList([...QUERIES, ...QUESTIONS, ...KEYWORDS])} } ?e ?p ?o FILTER(isLiteral(?o)) }`,
    variables: ["e", "p", "o"],
    maxRows: MAX_ROWS,
    timeoutMs: BUDGET_MS / 2,
  });
  for (const row of answer?.rows ?? []) {
    const iri = iriIn(row, "e");
    const predicate = iriIn(row, "p");
    if (iri === null || predicate === null || row.o?.type !== "literal") continue;
    const raw = raws.get(iri) ?? { iri, statements: [], prefixes: new Map<string, string>() };
    raw.statements.push({ predicate, text: row.o.value, lang: row.o["xml:lang"] ?? "" });
    raws.set(iri, raw);
  }
  if (raws.size === 0) return [];
  const declared = await inquiry.ask({
    text: `PREFIX sh: <${SH}> PREFIX owl: <${OWL}> SELECT ?e ?prefix ?namespace WHERE { ?e sh:prefixes/owl:imports*/sh:declare ?d . ?d sh:prefix ?prefix ; sh:namespace ?namespace }`,
    variables: ["e", "prefix", "namespace"],
    maxRows: MAX_ROWS,
    timeoutMs: BUDGET_MS / 2,
  });
  for (const row of declared?.rows ?? []) {
    const prefix = textIn(row, "prefix");
    const namespace = textIn(row, "namespace") ?? iriIn(row, "namespace");
    if (prefix !== null && namespace !== null)
      raws.get(iriIn(row, "e") ?? "")?.prefixes.set(prefix, namespace);
  }
  return [...raws.values()];
}

function toExample(raw: RawExample, known: Readonly<Record<string, string>>): ExampleQuery | null {
  const query = raw.statements.find(({ predicate }) => QUERIES.includes(predicate))?.text.trim();
  const question = questionOf(raw);
  if (query === undefined || query === "" || question === "") return null;
  const keywords = raw.statements
    .filter(({ predicate }) => KEYWORDS.includes(predicate))
    .map(({ text }) => text);
  return {
    iri: raw.iri,
    question,
    sparql: withPrefixes(query, raw.prefixes, known),
    keywords: [...new Set(keywords)].sort(),
  };
}

/** The comment before the label, English before any other language; markup becomes text. */
function questionOf({ statements }: RawExample): string {
  for (const predicate of QUESTIONS) {
    const texts = statements.filter((statement) => statement.predicate === predicate);
    texts.sort(
      (a, b) => Number(/^en\b/i.test(b.lang)) - Number(/^en\b/i.test(a.lang)) || (a.text < b.text ? -1 : 1),
    );
    const text = (texts[0]?.text ?? "")
      .replace(/<\/?[a-z][^>]*>/gi, " ")
      .replace(/&(lt|gt|quot|amp);/g, (_, name: string) => ENTITIES.get(name) ?? "")
      .replace(/\s+/g, " ")
      .trim();
    if (text !== "") return text;
  }
  return "";
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["amp", "&"],
]);

/** Adds PREFIX lines for the prefixes that the query uses and does not declare itself. */
function withPrefixes(
  query: string,
  declared: ReadonlyMap<string, string>,
  known: Readonly<Record<string, string>>,
): string {
  const own = new Set([...query.matchAll(/\bprefix\s+([\w.-]*):/gi)].map((match) => match[1] ?? ""));
  // Strings, IRIs and comments hold colons that are no prefixed names.
  const bare = query.replace(
    /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|<[^<>\s]*>|#[^\n]*/g,
    " ",
  );
  const used = new Set(
    [...bare.matchAll(/(?<![\w?$.:-])([A-Za-z][\w.-]*)?:(?!\s)/g)].map((match) => match[1] ?? ""),
  );
  const lines: string[] = [];
  for (const prefix of [...used].sort()) {
    if (own.has(prefix)) continue;
    const namespace = declared.get(prefix) ?? (Object.hasOwn(known, prefix) ? known[prefix] : undefined);
    if (namespace !== undefined) lines.push(`PREFIX ${prefix}: <${namespace}>\n`);
  }
  return lines.join("") + query;
}
