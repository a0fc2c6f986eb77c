import { createHash } from "node:crypto";
import type { Executor } from "../executor.js";
import { compareText } from "./draft.js";
import { countIn, type Inquiry, iriIn, openInquiry } from "./inquiry.js";
import { DCTERMS, VOID } from "./vocabulary.js";

const BUDGET_MS = 8_000;
const MAX_CLASSES = 1_000;

/**
 * What changes when a remote endpoint's data do, as far as queries tell: the number of its triples; where it cannot
 * count them, what it describes of itself (when issued or modified, and its own counts); where it does neither, its
 * list of classes. This is weak: data can change and leave all of these alone, so a remote profile also has an age.
 * (HTTP's ETag and Last-Modified are no help: endpoints send them for answers, not for data.)
 *
 * `null` when the endpoint answers none of these. Throws as `Inquiry.ask` does.
 */
export async function remoteFingerprint(executor: Executor, signal: AbortSignal): Promise<string | null> {
  using inquiry = openInquiry({ executor, budgetMs: BUDGET_MS, signal });
  const parts = (await tripleCount(inquiry)) ?? (await described(inquiry)) ?? (await classList(inquiry));
  return parts === null
    ? null
    : `remote-${createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32)}`;
}

async function tripleCount(inquiry: Inquiry): Promise<string[] | null> {
  const answer = await inquiry.ask({
    text: "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }",
    variables: ["n"],
    maxRows: 1,
    timeoutMs: 3_000,
  });
  const count = answer?.whole ? countIn(answer.rows[0], "n") : null;
  return count === null ? null : ["triples", String(count)];
}

async function described(inquiry: Inquiry): Promise<string[] | null> {
  const pattern = `?d a void:Dataset ; ?p ?o FILTER(?p IN (dct:modified, dct:issued, void:triples, void:entities))`;
  const answer = await inquiry.ask({
    text: `PREFIX void: <${VOID}> PREFIX dct: <${DCTERMS}> SELECT DISTINCT ?d ?p ?o WHERE { { ${pattern} } UNION { GRAPH ?g { ${pattern} } } } LIMIT ${MAX_CLASSES}`,
    variables: ["d", "p", "o"],
    maxRows: MAX_CLASSES,
    timeoutMs: 3_000,
  });
  if (answer === null || answer.rows.length === 0) return null;
  const lines = answer.rows.map((row) => {
    const value = row.o?.type === "literal" ? row.o.value : "";
    return `${iriIn(row, "d") ?? ""} ${iriIn(row, "p") ?? ""} ${value}`;
  });
  return ["void", ...lines.sort(compareText)];
}

async function classList(inquiry: Inquiry): Promise<string[] | null> {
  const answer = await inquiry.ask({
    text: `SELECT DISTINCT ?c WHERE { ?s a ?c } LIMIT ${MAX_CLASSES}`,
    variables: ["c"],
    maxRows: MAX_CLASSES,
    timeoutMs: 4_000,
  });
  if (answer === null || answer.rows.length === 0) return null;
  return ["classes", ...answer.rows.map((row) => iriIn(row, "c") ?? "").sort(compareText)];
}
