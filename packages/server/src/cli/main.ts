#!/usr/bin/env node
import { CommanderError } from "commander";
import { SettingsError } from "../settings/settings-error.js";
import { EXIT, UsageError } from "./exit.js";
import { createProgram } from "./program.js";

// A reader that went away (`| head`) is no failure: what it wanted it has.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.answered);
  throw error;
});

try {
  const program = createProgram((code) => {
    process.exitCode = code;
  });
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed what was wrong, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? EXIT.answered : EXIT.usage;
  } else if (error instanceof UsageError || error instanceof SettingsError) {
    process.stderr.write(`sparql-live: ${error.message}\n`);
    process.exitCode = EXIT.usage;
  } else {
    process.stderr.write(`sparql-live: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT.failed;
  }
}
