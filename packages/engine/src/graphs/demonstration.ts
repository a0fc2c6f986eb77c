import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EndpointEntry } from "../endpoint.js";
import { EngineFailure } from "../failure.js";

/** The graph that is served when nobody names data of their own. Throws `data_unreadable` where it was not built. */
export function demonstrationEntry(): EndpointEntry {
  return {
    id: "local",
    title: "Demonstration: life science",
    description: "Proteins, their organisms, diseases, pathways and drugs, in the UniProt core vocabulary.",
    data: [built("life-science.ttl")],
    examples: [built("life-science.examples.ttl")],
  };
}

function built(file: string): string {
  const path = fileURLToPath(new URL(`../../dist/data/${file}`, import.meta.url));
  if (!existsSync(path)) {
    throw new EngineFailure(
      "data_unreadable",
      `The demonstration graph is not built yet: run "npm run build".`,
      {
        detail: path,
      },
    );
  }
  return path;
}
