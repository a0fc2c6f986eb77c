import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../bin/sparql-live.js", import.meta.url));

/** A server as the command line starts it, in a process of its own. */
export interface StartedCommand extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ws: string;
  readonly exited: Promise<unknown[]>;
  /** Settles with the next line of the log that matches; rejects when the server ends before. */
  logged(pattern: RegExp): Promise<string>;
}

export async function startCommand(...flags: readonly string[]): Promise<StartedCommand> {
  const child = spawn(
    process.execPath,
    [MAIN, "serve", "--port", "0", "--store", "memory", "--workers", "1", ...flags],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH, NO_COLOR: "1" } },
  );
  const exited = once(child, "exit");
  const lines: string[] = [];
  const log = createInterface(child.stdout).on("line", (line) => lines.push(line));
  let url = "";
  for await (const line of createInterface(child.stderr)) {
    url = /is at (https?:\S+)/.exec(line)?.[1] ?? "";
    if (url !== "") break;
  }
  return {
    child,
    url,
    ws: `${url.replace("http", "ws")}/api/ws/query`,
    exited,
    async logged(pattern) {
      for (;;) {
        for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
          if (pattern.test(line)) return line;
        }
        await Promise.race([once(log, "line"), exited.then(failEnded)]);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function failEnded(): never {
  throw new Error("the server ended");
}
