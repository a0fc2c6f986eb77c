import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  createEngine,
  createGroundedGenerator,
  evaluate,
  type GradedQuestion,
  type QuestionScore,
} from "@sparql-live/engine";

const GRAPHS = ["life-science", "geography", "art"] as const;

/**
 * Scores the grounded generator on development questions with known answers: F1 over the pooled answer strings,
 * averaged over the questions, the share of exactly equal rows, and the time for a draft (trials included).
 */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, verbose: { type: "boolean", default: false } },
  });
  const all: { readonly graph: string; readonly scores: readonly QuestionScore[] }[] = [];
  for (const graph of GRAPHS) all.push({ graph, scores: await scoreGraph(graph) });
  for (const { graph, scores } of all) {
    printTable(graph, scores);
    if (values.verbose) printMisses(scores);
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(all, null, 2)}\n`);
}

async function scoreGraph(graph: string): Promise<readonly QuestionScore[]> {
  const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const questions = JSON.parse(await readFile(at(`../questions/${graph}.json`), "utf8")) as GradedQuestion[];
  const data = [at(`../../packages/engine/dist/data/${graph}.ttl`)];
  const engine = createEngine({ entries: [{ id: graph, title: graph, data }] });
  try {
    const endpoint = engine.endpoints.get(graph);
    if (endpoint === undefined) throw new Error(`no endpoint ${graph}`);
    const { signal } = new AbortController();
    await endpoint.labels(signal);
    return await evaluate(createGroundedGenerator(), endpoint, questions, signal);
  } finally {
    await engine.close();
  }
}

function printTable(graph: string, scores: readonly QuestionScore[]): void {
  const classes = [...new Set(scores.map(({ question }) => question.class))].sort();
  console.log(`\n${graph}`);
  console.log("class           questions   F1     exact   ms p50   ms p95");
  for (const name of classes)
    printRow(
      name,
      scores.filter(({ question }) => question.class === name),
    );
  printRow("all", scores);
}

function printRow(name: string, scores: readonly QuestionScore[]): void {
  const f1 = scores.reduce((sum, score) => sum + score.f1, 0) / scores.length;
  const exact = scores.filter((score) => score.exact).length / scores.length;
  const times = scores.map(({ elapsedMs }) => elapsedMs).sort((a, b) => a - b);
  const at = (share: number) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
  console.log(
    `${name.padEnd(16)}${String(scores.length).padStart(9)}   ${f1.toFixed(2)}   ${exact.toFixed(2)}${at(0.5).padStart(9)}${at(0.95).padStart(9)}`,
  );
}

function printMisses(scores: readonly QuestionScore[]): void {
  for (const { question, f1, failure, draft } of scores) {
    if (f1 === 1) continue;
    console.log(
      `\n${question.id} ${question.question} (F1 ${f1.toFixed(2)}, ${failure ?? "answered"})\n${draft?.sparql ?? ""}`,
    );
  }
}
