#!/usr/bin/env node
// The command stands here and not in dist/, because npm links it when it installs: before anything is built.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('sparql-live is not built yet: run "npm run build" first.\n');
  process.exitCode = 1;
}
