import { Command, Option } from "commander";
import { flagOf, SETTING_NAMES, SETTINGS } from "../settings/table.js";
import { configOption } from "./options.js";

export function serveCommand(onExit: (code: number) => void): Command {
  const command = new Command("serve")
    .description("serve the demonstration graph, or your own data and endpoints, to browsers and programs")
    .addOption(configOption());
  for (const name of SETTING_NAMES) command.addOption(settingOption(name));
  return command.action(async (options: Record<string, unknown>) => {
    const { runServer } = await import("./run-server.js");
    onExit(await runServer(options));
  });
}

function settingOption(name: (typeof SETTING_NAMES)[number]): Option {
  const setting = SETTINGS[name];
  const placeholder = "placeholder" in setting ? ` ${setting.placeholder}` : " [true|false]";
  const fallback = JSON.stringify(setting.default);
  const shown = ["null", "[]", "{}"].includes(fallback) ? "" : ` (default: ${fallback})`;
  // `name` is what commander files the value under, whatever the flag is called.
  return new Option(`${flagOf(name)}${placeholder}`, `${setting.help}${shown}`);
}
