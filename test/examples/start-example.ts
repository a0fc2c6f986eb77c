import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endProcess } from "../interop/processes.js";

export interface RunningExample extends AsyncDisposable {
  /** As it said itself, without a path. */
  readonly url: string;
  readonly ws: string;
  /** What Ctrl-C does; settles with the exit code. */
  interrupt(): Promise<number | null>;
}

/** Runs an example as its reader would, but on a free port. */
export async function startExample(name: string, ...options: readonly string[]): Promise<RunningExample> {
  const program = fileURLToPath(new URL(`../../examples/${name}/server.js`, import.meta.url));
  const child = spawn(process.execPath, [program, ...options], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    // Read to the end, so that the example can go on writing.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (said !== undefined) resolve(said);
    });
    exited.then(([code]) => reject(new Error(`examples/${name} ended with ${code}`)), reject);
  });
  return {
    url,
    ws: url.replace("http", "ws"),
    async interrupt() {
      child.kill("SIGINT");
      const [code] = await exited;
      return code;
    },
    [Symbol.asyncDispose]: () => endProcess(child),
  };
}
