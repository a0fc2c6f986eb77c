import { resolve } from "node:path";
import { Command } from "commander";
import { configOption, storeOption } from "./options.js";
import type { RestoreOptions } from "./restore-backup.js";

export function restoreCommand(onExit: (code: number) => void): Command {
  return new Command("restore")
    .description("make a store of a backup; what was stored after it is lost, and every client learns so")
    .argument("<file>", "a backup that `sparql-live backup` wrote")
    .addOption(storeOption())
    .addOption(configOption())
    .option("--force", "put it in the place of a store that is there")
    .action(async (file: string, options: RestoreOptions) => {
      const { restore } = await import("./restore-backup.js");
      onExit(await restore(resolve(file), options));
    });
}
