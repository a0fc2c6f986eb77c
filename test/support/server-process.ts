import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endProcess } from "../interop/processes.js";

const MAIN = fileURLToPath(new URL("../../packages/server/bin/sparql-live.js", import.meta.url));
const DATA = '<http://example.org/a> <http://www.w3.org/2000/01/rdf-schema#label> "a" .\n';
const START_TIMEOUT_MS = 30_000;
const KEPT_LINES_COUNT = 20_000;
const KEPT_CHARACTERS = 10_000;
/** Runs in the process, and in each of its threads, before the server does. */
const COLLECTOR = `
  import v8 from "node:v8";
  import vm from "node:vm";
  import { BroadcastChannel, isMainThread } from "node:worker_threads";
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  const channel = new BroadcastChannel("collect garbage");
  if (isMainThread) {
    process.on("SIGUSR2", () => {
      channel.postMessage(null);
      collect();
    });
  } else channel.onmessage = collect;
  channel.unref();`;

/** A server in a process of its own, with a store and a port that stay the same when it is started again. */
export interface ServerProcess extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly webSocketUrl: string;
  /** What it wrote to its log, newest last; at most 20,000 lines. */
  readonly logLines: readonly string[];
  /** What it wrote to its standard error, the last 10,000 characters. */
  readonly errorText: string;
  /** Whether it has not ended by itself. */
  readonly isRunning: boolean;
  /** `kill -9`: settles when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: settles with the exit code when the process is gone; `null` where a signal ended it. */
  terminate(): Promise<number | null>;
  /** Starts it again; settles when it listens. */
  start(): Promise<void>;
  /** Lets it collect garbage: what is resident afterwards is held. */
  collectGarbage(): void;
  /** Resident memory as the kernel counts it. */
  residentBytes(): Promise<number>;
}

export interface ServerProcessOptions {
  /** Flags of the command line. */
  readonly settings?: readonly string[];
  /** Settings that must not stand in flags, by the names of their variables. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Turtle; by default one triple. */
  readonly data?: string;
}

export async function startServerProcess({
  settings = [],
  secrets = {},
  data = DATA,
}: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "server-process-"));
  const dataFile = join(folder, "data.ttl");
  await writeFile(dataFile, data);
  const logLines: string[] = [];
  let child: ChildProcess | null = null;
  let url = "";
  let errorText = "";

  const start = async () => {
    const port = url === "" ? "0" : new URL(url).port;
    const own = ["--data", dataFile, "--workers", "1", "--cache-dir", join(folder, "cache")];
    const process_ = spawn(
      process.execPath,
      [
        "--import",
        `data:text/javascript,${encodeURIComponent(COLLECTOR)}`,
        MAIN,
        "serve",
        "--port",
        port,
        "--store",
        join(folder, "store.db"),
        ...own,
        ...settings,
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH, NO_COLOR: "1", ...secrets } },
    );
    child = process_;
    createInterface(process_.stdout).on("line", (line) => {
      if (logLines.push(line) > KEPT_LINES_COUNT) logLines.shift();
    });
    process_.stderr.on("data", (chunk) => {
      errorText = `${errorText}${chunk}`.slice(-KEPT_CHARACTERS);
    });
    url = await announcedUrl(process_);
  };
  const kill = async () => {
    if (child !== null) await endProcess(child);
  };

  const terminate = async () => {
    if (child === null) throw new Error("The server is not started.");
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = await exited;
    return typeof code === "number" ? code : null;
  };

  try {
    await start();
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    get url() {
      return url;
    },
    get webSocketUrl() {
      return `${url.replace("http", "ws")}/api/ws/query`;
    },
    logLines,
    get errorText() {
      return errorText;
    },
    get isRunning() {
      return child?.exitCode === null && child.signalCode === null;
    },
    kill,
    terminate,
    start,
    collectGarbage: () => void child?.kill("SIGUSR2"),
    async residentBytes() {
      const status = await readFile(`/proc/${child?.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** Rejects where the process ends, or says nothing in time. */
function announcedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const giveUp = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`The server ${what}: ${said}`));
    };
    const timer = setTimeout(() => giveUp(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    child.once("exit", (code) => giveUp(`ended with ${code}`));
    child.stderr?.on("data", (chunk) => {
      said = `${said}${chunk}`.slice(-KEPT_CHARACTERS);
      const url = /is at (http:\/\/\S+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
