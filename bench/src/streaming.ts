import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, printTable, writeJson } from "./figures.js";
import { writeGraph } from "./generator.js";
import { measureExecutor } from "./streaming-executor.js";
import { measureServer } from "./streaming-server.js";

interface Source {
  readonly title: string;
  readonly measure: (path: string, rounds: number) => Promise<readonly Figure[]>;
}

const SOURCES: ReadonlyMap<string, Source> = new Map([
  ["server", { title: "whole server over a WebSocket", measure: measureServer }],
  ["executor", { title: "embedded executor", measure: measureExecutor }],
]);

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      triples: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "9" },
      json: { type: "string" },
      source: { type: "string", default: "server" },
    },
  });
  const source = SOURCES.get(values.source);
  if (source === undefined) throw new Error(`--source is one of ${[...SOURCES.keys()].join(", ")}.`);
  const folder = await mkdtemp(join(tmpdir(), "bench-streaming-"));
  try {
    const path = join(folder, "graph.nt");
    await writeGraph(path, Number(values.triples));
    const title = `Streaming, ${values.triples} triples, ${source.title}`;
    const figures = await source.measure(path, Number(values.rounds));
    printTable(title, figures);
    if (values.json !== undefined) await writeJson(values.json, title, figures);
  } finally {
    await rm(folder, { recursive: true });
  }
}
