import { resolve } from "node:path";
import { Command, Option } from "commander";
import { envOf } from "../settings/table.js";
import { configOption, storeOption } from "./options.js";
import type { BackupOptions } from "./write-backup.js";

export function backupCommand(onExit: (code: number) => void): Command {
  return new Command("backup")
    .description("write everything that is stored into a file, as of one moment, for `sparql-live restore`")
    .argument("<file>", "where the backup is to be")
    .addOption(storeOption())
    .addOption(
      new Option(
        "--server <url>",
        `a running server to back up; it wants its admin key in ${envOf("adminKey")} or in the settings`,
      ),
    )
    .addOption(configOption())
    .option("--force", "overwrite the file where it is there")
    .action(async (file: string, options: BackupOptions) => {
      const { backUp } = await import("./write-backup.js");
      onExit(await backUp(resolve(file), options));
    });
}
