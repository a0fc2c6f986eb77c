import { OWL, RDFS } from "../rdf.js";
import { addTo, type ProfileDraft } from "./draft.js";
import { type Inquiry, iriIn, textIn } from "./inquiry.js";
import { iriList } from "./sparql-terms.js";
import {
  COMMENT_PREDICATES,
  isEmptyClass,
  KNOWN_ALTERNATIVE_PREDICATES,
  KNOWN_LABEL_PREDICATES,
  SH,
} from "./vocabulary.js";

const MAX_DECLARATIONS = 50_000;
const IRIS_PER_QUESTION = 200;
const MAX_NAMED_TERMS = 4_000;

const SUBCLASS = `${RDFS}subClassOf`;
const DOMAIN = `${RDFS}domain`;
const RANGE = `${RDFS}range`;
const INVERSE = `${OWL}inverseOf`;

/** Reads what the data declare of themselves: class hierarchy, domains, ranges and inverses, and SHACL shapes. */
export async function readDeclarations(
  inquiry: Inquiry,
  draft: ProfileDraft,
): Promise<ReadonlyMap<string, string>> {
  const inverses = new Map<string, string>();
  const answer = await inquiry.ask({
    text: `SELECT ?s ?p ?o WHERE { VALUES ?p { ${iriList([SUBCLASS, DOMAIN, RANGE, INVERSE])} } ?s ?p ?o FILTER(isIRI(?s) && isIRI(?o)) } LIMIT ${MAX_DECLARATIONS}`,
    variables: ["s", "p", "o"],
    maxRows: MAX_DECLARATIONS,
    timeoutMs: 4_000,
  });
  for (const row of answer?.rows ?? []) {
    const subject = iriIn(row, "s");
    const object = iriIn(row, "o");
    if (subject === null || object === null || subject === object) continue;
    switch (iriIn(row, "p")) {
      case SUBCLASS:
        if (!isEmptyClass(object)) addTo(draft.superclasses, subject, object);
        break;
      case DOMAIN:
        addTo(draft.domains, subject, object);
        break;
      case RANGE:
        addTo(draft.ranges, subject, object);
        break;
      case INVERSE:
        inverses.set(subject, object);
        if (!inverses.has(object)) inverses.set(object, subject);
        break;
      default:
    }
  }
  await readShapes(inquiry, draft);
  await readDeclaredPrefixes(inquiry, draft);
  return inverses;
}

async function readShapes(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: `PREFIX sh: <${SH}> PREFIX rdfs: <${RDFS}>
SELECT ?class ?path ?range ?name ?description WHERE {
  { ?shape sh:targetClass ?class } UNION { ?shape a sh:NodeShape, rdfs:Class BIND(?shape AS ?class) }
  ?shape sh:property ?member . ?member sh:path ?path FILTER(isIRI(?path) && isIRI(?class))
  OPTIONAL { ?member sh:class|sh:datatype ?range }
  OPTIONAL { ?member sh:name ?name }
  OPTIONAL { ?member sh:description ?description }
} LIMIT ${MAX_DECLARATIONS}`,
    variables: ["class", "path", "range", "name", "description"],
    maxRows: MAX_DECLARATIONS,
    timeoutMs: 3_000,
  });
  for (const row of answer?.rows ?? []) {
    const path = iriIn(row, "path");
    const domain = iriIn(row, "class");
    if (path === null || domain === null) continue;
    addTo(draft.domains, path, domain);
    const range = iriIn(row, "range");
    if (range !== null) addTo(draft.ranges, path, range);
    const name = row.name;
    if (name?.type === "literal") addLabel(draft, path, name.value, name["xml:lang"]);
    const description = textIn(row, "description");
    if (description !== null && !draft.comments.has(path)) draft.comments.set(path, description);
  }
}

async function readDeclaredPrefixes(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const answer = await inquiry.ask({
    text: `PREFIX sh: <${SH}> PREFIX vann: <http://purl.org/vocab/vann/>
SELECT ?prefix ?namespace WHERE {
  { ?x sh:prefix ?prefix ; sh:namespace ?namespace }
  UNION { ?x vann:preferredNamespacePrefix ?prefix ; vann:preferredNamespaceUri ?namespace }
} ORDER BY ?prefix ?namespace LIMIT 500`,
    variables: ["prefix", "namespace"],
    maxRows: 500,
    timeoutMs: 3_000,
  });
  for (const row of answer?.rows ?? []) {
    const prefix = textIn(row, "prefix");
    const namespace = textIn(row, "namespace") ?? iriIn(row, "namespace");
    if (prefix === null || namespace === null || draft.prefixes.has(prefix)) continue;
    if (/^[A-Za-z][\w-]*$/.test(prefix)) draft.prefixes.set(prefix, namespace);
  }
}

/** Reads labels, alternative labels and comments of the classes and properties themselves. */
export async function readTermNames(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  const names = [
    ...new Set([...draft.labelPredicates, ...KNOWN_LABEL_PREDICATES, ...KNOWN_ALTERNATIVE_PREDICATES]),
  ];
  const rank = new Map(names.map((iri, at) => [iri, at]));
  const comments = new Set(COMMENT_PREDICATES);
  const terms = [...draft.classes.keys(), ...draft.properties.keys()].slice(0, MAX_NAMED_TERMS);
  const predicates = iriList([...names, ...comments]).replaceAll(" ", ", ");
  const found: { iri: string; rank: number; text: string; lang: string | undefined }[] = [];
  for (let at = 0; at < terms.length; at += IRIS_PER_QUESTION) {
    const answer = await inquiry.ask({
      text: `SELECT ?s ?p ?o WHERE { VALUES ?s { ${iriList(terms.slice(at, at + IRIS_PER_QUESTION))} } ?s ?p ?o FILTER(?p IN (${predicates})) }`,
      variables: ["s", "p", "o"],
      maxRows: 20_000,
      timeoutMs: 4_000,
    });
    for (const row of answer?.rows ?? []) {
      const iri = iriIn(row, "s");
      const predicate = iriIn(row, "p");
      const text = row.o;
      if (iri === null || predicate === null || text?.type !== "literal") continue;
      const lang = text["xml:lang"];
      if (!comments.has(predicate))
        found.push({ iri, rank: rank.get(predicate) ?? names.length, text: text.value, lang });
      else if (isEnglish(lang) || !draft.comments.has(iri)) draft.comments.set(iri, text.value);
    }
  }
  found.sort(
    (a, b) =>
      a.rank - b.rank || Number(isEnglish(b.lang)) - Number(isEnglish(a.lang)) || (a.text < b.text ? -1 : 1),
  );
  for (const { iri, text, lang } of found) addLabel(draft, iri, text, lang);
}

function isEnglish(lang: string | undefined): boolean {
  return lang !== undefined && /^en\b/i.test(lang);
}

function addLabel(draft: ProfileDraft, iri: string, text: string, lang: string | undefined): void {
  const label = lang === undefined ? { text } : { text, lang };
  const labels = draft.labels.get(iri);
  if (labels === undefined) draft.labels.set(iri, [label]);
  else if (!labels.some((known) => known.text === text && known.lang === lang)) labels.push(label);
}
