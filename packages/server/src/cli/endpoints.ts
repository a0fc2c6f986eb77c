import { Command } from "commander";
import type { EndpointsOptions } from "./list-endpoints.js";
import { configOption, dataOption } from "./options.js";

export function endpointsCommand(onExit: (code: number) => void): Command {
  return new Command("endpoints")
    .description("list the endpoints that can be asked")
    .addOption(dataOption())
    .addOption(configOption())
    .option("--check", "ask each of them whether it answers")
    .option("--json", "print JSON")
    .action(async (options: EndpointsOptions) => {
      const { listEndpoints } = await import("./list-endpoints.js");
      onExit(await listEndpoints(options));
    });
}
