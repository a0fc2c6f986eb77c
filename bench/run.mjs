import { readdir } from "node:fs/promises";

const common = "[--rounds 5] [--servers ours,ws,…] [--sources N] [--json FILE]";
const programs = new Map([
  ["generator", "writes a graph: generator FILE [--triples 1000000]"],
  [
    "streaming",
    "rows from a store to a reader: streaming [--source server|executor] [--triples 1000000] [--rounds 9] [--json FILE]",
  ],
  [
    "answering",
    "the grounded generator on questions with known answers: answering [--verbose] [--json FILE]",
  ],
  [
    "store",
    "appends to a log, durable and in memory: store [--rounds 5] [--appends 20000] [--folder FOLDER] [--json FILE]",
  ],
  ["results-reader", "the reader of remote results"],
  ["fanout", `messages to a room of many, beside peers: fanout [--connections 1000] [--seconds 3] ${common}`],
  ["rtt", `requests and their answers, beside peers: rtt [--connections 100] [--seconds 3] ${common}`],
  ["memory", `idle connections, beside peers: memory [--connections 10000] ${common}`],
  ["churn", `connects, and a storm of returns, beside peers: churn [--connections 5000] ${common}`],
]);

const name = process.argv[2] ?? "";
const built = await readdir(new URL("dist/", import.meta.url)).catch(() => []);
if (!programs.has(name) || !built.includes(`${name}.js`)) {
  console.error("npm run bench -- PROGRAM …\n");
  for (const [program, purpose] of programs) console.error(`  ${program.padEnd(12)}${purpose}`);
  process.exitCode = 2;
} else {
  const { main } = await import(new URL(`dist/${name}.js`, import.meta.url).href);
  await main(process.argv.slice(3));
}
