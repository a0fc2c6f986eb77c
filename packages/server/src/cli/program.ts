import { Command } from "commander";
import { readVersion } from "../version.js";
import { askCommand } from "./ask.js";
import { backupCommand } from "./backup.js";
import { endpointsCommand } from "./endpoints.js";
import { profileCommand } from "./profile.js";
import { queryCommand } from "./query.js";
import { restoreCommand } from "./restore.js";
import { serveCommand } from "./serve.js";

/** The command line. Each command settles with its exit code, which is handed to `onExit`. */
export function createProgram(onExit: (code: number) => void): Command {
  const program = new Command("sparql-live")
    .description("Ask a knowledge graph in plain language or SPARQL, and watch the answer come.")
    .version(readVersion())
    .showHelpAfterError("(--help tells what there is)")
    .addHelpText("after", EXAMPLES);
  program.exitOverride();
  for (const command of COMMANDS) {
    const made = command(onExit);
    made.exitOverride();
    program.addCommand(made);
  }
  return program;
}

const COMMANDS = [
  serveCommand,
  askCommand,
  queryCommand,
  endpointsCommand,
  profileCommand,
  backupCommand,
  restoreCommand,
];

const EXAMPLES = `
Examples:
  sparql-live ask "Which human proteins are associated with Alzheimer disease?"
  sparql-live ask "How many rivers are there?" --data rivers.ttl
  sparql-live query query.rq --format csv
  sparql-live serve --port 8000
  sparql-live backup monday.db --server http://127.0.0.1:8000

Exit codes: 0 answered, 1 failed, 2 usage, 130 interrupted.
`;
