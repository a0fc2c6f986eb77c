import { Command } from "commander";
import { configOption, dataOption, endpointOption } from "./options.js";
import type { ProfileOptions } from "./show-profile.js";

export function profileCommand(onExit: (code: number) => void): Command {
  return new Command("profile")
    .description("show what an endpoint's data is made of: classes, properties, how they connect")
    .addOption(dataOption())
    .addOption(endpointOption())
    .addOption(configOption())
    .option("--json", "print the whole profile as JSON")
    .action(async (options: ProfileOptions) => {
      const { showProfile } = await import("./show-profile.js");
      onExit(await showProfile(options));
    });
}
