import { Command } from "commander";
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

interface AskOptions extends AnswerOptions {
  readonly strategy?: string;
  readonly draft?: boolean;
}

export function askCommand(onExit: (code: number) => void): Command {
  return new Command("ask")
    .description("ask a question in plain language")
    .argument("<question...>", "the question; quotes are not needed")
    .addOption(limitOption())
    .addOption(timeoutOption())
    .addOption(endpointOption())
    .addOption(serverOption())
    .addOption(dataOption())
    .addOption(configOption())
    .addOption(formatOption())
    .option("--strategy <name>", "how the query is made (auto, grounded)")
    .option("--show-query", "print the SPARQL to standard error")
    .option("--draft", "print the SPARQL to standard output and do not execute it")
    .action(async (words: string[], options: AskOptions) => {
      const { strategy, draft } = options;
      const { runAnswer } = await import("./run-answer.js");
      onExit(
        await runAnswer(
          {
            question: words.join(" "),
            ...(strategy === undefined ? {} : { strategy }),
            ...(draft === true ? { execute: false } : {}),
          },
          options,
        ),
      );
    });
}
