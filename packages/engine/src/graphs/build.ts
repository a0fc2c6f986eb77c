/**
 * Builds every graph folder into one Turtle file: `node build.js [graphs folder] [output folder]`.
 * A graph whose file is newer than all it is made from (and than this program) is left as it is.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGraph, EXAMPLES_FILE, type GraphFiles, MAPPING_FILE } from "./build-graph.js";

const GRAPHS_FOLDER = fileURLToPath(new URL("../../data", import.meta.url));
const BUILT_FOLDER = fileURLToPath(new URL("../../dist/data", import.meta.url));

const SOURCE_FILE = /\.(tsv|ttl|json)$/;

/** Builds the graphs of a folder; gives back a line of report for each. */
export function buildAll(graphsFolder: string, outputFolder: string): readonly string[] {
  mkdirSync(outputFolder, { recursive: true });
  return graphNames(graphsFolder).map((name) => buildOne(name, join(graphsFolder, name), outputFolder));
}

function graphNames(graphsFolder: string): readonly string[] {
  return readdirSync(graphsFolder, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && readdirSync(join(graphsFolder, entry.name)).includes(MAPPING_FILE),
    )
    .map((entry) => entry.name)
    .sort();
}

function buildOne(name: string, folder: string, outputFolder: string): string {
  const graphFile = join(outputFolder, `${name}.ttl`);
  if (isUpToDate(graphFile, folder)) return `${name}: up to date`;
  const files = readFiles(folder);
  const turtle = describeFailure(name, () => buildGraph(files));
  const examples = files.get(EXAMPLES_FILE);
  if (examples !== undefined) writeFileSync(join(outputFolder, `${name}.examples.ttl`), examples);
  // Written last: its time tells that everything before went well.
  writeFileSync(graphFile, turtle);
  return `${name}: built`;
}

function describeFailure<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new Error(`graph «${name}»:\n${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function readFiles(folder: string): GraphFiles {
  const names = readdirSync(folder)
    .filter((name) => SOURCE_FILE.test(name))
    .sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The folder's own time counts too: it changes when a file is taken away. */
function isUpToDate(target: string, folder: string): boolean {
  const built = modifiedAt(target);
  const program = fileURLToPath(new URL(".", import.meta.url));
  const programFiles = readdirSync(program)
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => join(program, name));
  const sources = [folder, ...readdirSync(folder).map((name) => join(folder, name)), ...programFiles];
  return built !== undefined && sources.every((source) => (modifiedAt(source) ?? 0) < built);
}

function modifiedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function main(): void {
  const [graphsFolder = GRAPHS_FOLDER, outputFolder = BUILT_FOLDER] = process.argv.slice(2);
  try {
    for (const line of buildAll(resolve(graphsFolder), resolve(outputFolder)))
      process.stdout.write(`${line}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
