import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";

const RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const LABEL = "http://www.w3.org/2000/01/rdf-schema#label";
const XSD = "http://www.w3.org/2001/XMLSchema#";
export const NAMESPACE = "http://example.org/";

const GIVEN = ["Ada", "Alan", "Chien", "Emmy", "Grace", "Katherine", "Lise", "Noor", "Rosalind", "Tu"];
const FAMILY = [
  "Lovelace",
  "Turing",
  "Wu",
  "Noether",
  "Hopper",
  "Johnson",
  "Meitner",
  "Khan",
  "Franklin",
  "Youyou",
];
const SUBJECTS = [
  "insulin",
  "graph theory",
  "soil carbon",
  "gravitation",
  "malaria",
  "compilers",
  "coral reefs",
];
const FLUSH_CHARACTERS = 1_000_000;

/** About 9 triples a person: the person, one paper of theirs, and a twentieth of an organisation. */
const PEOPLE_PER_ORGANISATION = 20;

/**
 * Writes persons, papers and organisations as N-Triples, exactly `tripleCount` of them, the same for the same count.
 * References go to earlier or later nodes by a fixed rule, so that every node that is named early has its label.
 */
export async function writeGraph(path: string, tripleCount: number): Promise<void> {
  const file = createWriteStream(path);
  let buffered = "";
  let written = 0;
  for (const line of triples()) {
    if (written >= tripleCount) break;
    buffered += line;
    written += 1;
    if (buffered.length < FLUSH_CHARACTERS) continue;
    if (!file.write(buffered)) await once(file, "drain");
    buffered = "";
  }
  file.end(buffered);
  await once(file, "close");
}

function* triples(): Generator<string, void, undefined> {
  for (let person = 0; ; person += 1) {
    if (person % PEOPLE_PER_ORGANISATION === 0) yield* organisation(person / PEOPLE_PER_ORGANISATION);
    yield* personAndPaper(person);
  }
}

function* organisation(index: number): Generator<string, void, undefined> {
  const subject = iri(`organisation/${index}`);
  yield line(subject, RDF_TYPE, iri("Organisation"));
  yield line(subject, LABEL, `"Institute ${index} for ${pick(SUBJECTS, index)}"@en`);
}

function* personAndPaper(index: number): Generator<string, void, undefined> {
  const person = iri(`person/${index}`);
  yield line(person, RDF_TYPE, iri("Person"));
  yield line(person, LABEL, `"${pick(GIVEN, index)} ${pick(FAMILY, Math.floor(index / 10))} ${index}"`);
  yield line(
    person,
    `${NAMESPACE}worksFor`,
    iri(`organisation/${Math.floor(index / PEOPLE_PER_ORGANISATION)}`),
  );
  yield line(person, `${NAMESPACE}born`, `"${1900 + ((index * 37) % 105)}"^^<${XSD}gYear>`);
  yield line(person, `${NAMESPACE}knows`, iri(`person/${Math.floor((index * 7) / 11)}`));
  const paper = iri(`paper/${index}`);
  yield line(paper, RDF_TYPE, iri("Paper"));
  yield line(paper, LABEL, `"On ${pick(SUBJECTS, index * 3)}, part ${index}"@en`);
  yield line(paper, `${NAMESPACE}author`, person);
  yield line(paper, `${NAMESPACE}pages`, `"${1 + ((index * 13) % 80)}"^^<${XSD}integer>`);
}

function iri(name: string): string {
  return `<${NAMESPACE}${name}>`;
}

function line(subject: string, predicate: string, object: string): string {
  return `${subject} <${predicate}> ${object} .\n`;
}

function pick(list: readonly string[], index: number): string {
  return list[index % list.length] ?? "";
}

export async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { triples: { type: "string", default: "1000000" } },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error("Name the file to write.");
  await writeGraph(path, Number(values.triples));
  console.log(`${values.triples} triples in ${path}`);
}
