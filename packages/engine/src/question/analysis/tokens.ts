import nlp from "compromise";
import { foldText, lemmaOf } from "../../terms/fold.js";

/** A word, number, quoted text, address or mark of the question. Offsets are UTF-16 code units, `end` exclusive. */
export interface Token {
  readonly text: string;
  /** In the form in which names are compared. */
  readonly folded: string;
  readonly lemma: string;
  readonly start: number;
  readonly end: number;
  readonly kind: "word" | "number" | "quoted" | "iri" | "mark";
  readonly verb: boolean;
  readonly capitalized: boolean;
}

const PIECES =
  /<(?<iri>[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]+)>|(?<bare>https?:\/\/[^\s<>"{}|\\^`]*[^\s<>"{}|\\^`.,;:!?)])|"(?<q1>[^"]{1,200})"|[“„](?<q2>[^”“]{1,200})[”“]|«(?<q3>[^»]{1,200})»|(?<![\p{L}\p{N}])'(?<q4>[^']{2,200})'(?![\p{L}\p{N}])|(?<number>(?<![\p{L}\p{N}])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\p{L}\p{N}])\d+(?:\.\d+)?(?=(?:[a-z]{1,3}2?)?(?![\p{L}\p{N}_:-]|\.\d)))|(?<word>[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}+#]*(?:[-_.:/&'’][\p{L}\p{M}\p{N}+#]+)*)|(?<mark>[<>]=?|=|%|[,;])/giu;

/** Splits a question; possessive endings become words of their own ("Japan's" → "Japan", "s"). */
export function tokenize(question: string): Token[] {
  const tokens: Token[] = [];
  for (const match of question.matchAll(PIECES)) {
    const groups = match.groups ?? {};
    const start = match.index;
    const text = match[0];
    const iri = groups.iri ?? groups.bare;
    const quoted = groups.q1 ?? groups.q2 ?? groups.q3 ?? groups.q4;
    if (iri !== undefined) tokens.push(token(iri, start, start + text.length, "iri"));
    else if (quoted !== undefined) tokens.push(token(quoted, start, start + text.length, "quoted"));
    else if (groups.number !== undefined) tokens.push(token(text, start, start + text.length, "number"));
    else if (groups.mark !== undefined) tokens.push(token(text, start, start + text.length, "mark"));
    else pushWord(tokens, text, start);
  }
  return tagVerbs(question, tokens);
}

function pushWord(tokens: Token[], text: string, start: number): void {
  const possessive = /^(.{2,})(['’])s$/u.exec(text);
  if (possessive === null) {
    tokens.push(token(text, start, start + text.length, "word"));
    return;
  }
  const owner = possessive[1] ?? text;
  tokens.push(token(owner, start, start + owner.length, "word"));
  tokens.push(token("s", start + owner.length, start + text.length, "word"));
}

function token(text: string, start: number, end: number, kind: Token["kind"]): Token {
  const folded = kind === "mark" ? text : foldText(text);
  const capitalized = kind === "word" && /^\p{Lu}|\p{N}/u.test(text);
  return { text, folded, lemma: lemmaOf(folded), start, end, kind, verb: false, capitalized };
}

interface TaggedTerm {
  readonly root?: string | null;
  readonly tags?: readonly string[];
  readonly offset?: { readonly start: number; readonly length: number };
}

/** Takes the base forms of verbs and irregular plurals, and which words are verbs, from the tagger. English only. */
function tagVerbs(question: string, tokens: readonly Token[]): Token[] {
  const tagged = nlp(question).compute("root") as unknown as {
    json(options: { offset: boolean }): { terms: TaggedTerm[] }[];
  };
  const byStart = new Map<number, TaggedTerm>();
  for (const sentence of tagged.json({ offset: true })) {
    for (const term of sentence.terms) if (term.offset !== undefined) byStart.set(term.offset.start, term);
  }
  return tokens.map((plain) => {
    const term = byStart.get(plain.start);
    if (term === undefined || plain.kind !== "word" || plain.folded.includes(" ")) return plain;
    const verb = (term.tags?.includes("Verb") ?? false) && !plain.folded.endsWith("s");
    const root = foldText(term.root ?? "");
    return { ...plain, verb, lemma: root === "" || root === "person" ? plain.lemma : root };
  });
}
