import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { UsageError } from "./exit.js";
import {
  configOption,
  dataOption,
  endpointOption,
  formatOption,
  limitOption,
  serverOption,
  timeoutOption,
} from "./options.js";
import type { AnswerOptions } from "./run-answer.js";

export function queryCommand(onExit: (code: number) => void): Command {
  return new Command("query")
    .description("run a SPARQL query from a file, or from standard input with -")
    .argument("<file>", "a file with one query, or -")
    .addOption(limitOption())
    .addOption(timeoutOption())
    .addOption(endpointOption())
    .addOption(serverOption())
    .addOption(dataOption())
    .addOption(configOption())
    .addOption(formatOption())
    .option("--show-query", "print the SPARQL as it was executed to standard error")
    .action(async (file: string, options: AnswerOptions) => {
      const { runAnswer } = await import("./run-answer.js");
      onExit(await runAnswer({ sparql: await readQuery(file) }, options));
    });
}

async function readQuery(file: string): Promise<string> {
  if (file === "-") return await text(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}
