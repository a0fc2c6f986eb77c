import { monitorEventLoopDelay } from "node:perf_hooks";
import { NAMESPACE } from "./generator.js";

export const MANY_ROWS = 100_000;
export const LONG_QUERY_MS = 10_000;

export const ROWS_SPARQL =
  `SELECT ?person ?name ?born ?employer WHERE { ?person <${NAMESPACE}born> ?born ; ` +
  `<http://www.w3.org/2000/01/rdf-schema#label> ?name ; <${NAMESPACE}worksFor> ?employer }`;

/** Never ends: every triple with every other one, thrice. */
export const LONG_SPARQL = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }";

/** What the main thread holds: its heap, and what hangs on it outside (array buffers included), in bytes. */
export function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function loopDelayP99Ms(during: () => Promise<unknown>): Promise<number> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  await during();
  monitor.disable();
  return monitor.percentile(99) / 1e6;
}

export async function repeat(rounds: number, measure: () => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await measure());
  return samples;
}
