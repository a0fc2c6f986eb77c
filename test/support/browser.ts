import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { endProcess } from "../interop/processes.js";

const CHROMIUM = "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);
const START_TIMEOUT_MS = 60_000;
const SPOKEN_CHARACTERS = 10_000;

/** A page of a real browser without a window. */
export interface BrowserPage extends AsyncDisposable {
  /** The value of an expression, or what its promise settles with; plain data alone. Rejects with what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** Loads an address; settles when it has loaded. */
  open(url: string): Promise<void>;
  /** Tells the page that the machine is offline, or not any more. */
  setOffline(offline: boolean): Promise<void>;
  /** What its scripts hold, after collecting garbage. */
  heapBytes(): Promise<number>;
}

/** Speaks the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/). */
export async function openBrowserPage(): Promise<BrowserPage> {
  const profile = await mkdtemp(join(tmpdir(), "browser-"));
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
  ];
  const child = spawn(
    CHROMIUM,
    [...flags, `--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const close = async () => {
    await endProcess(child);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const tools = await openTools(await toolsAddress(child));
    return { ...(await openPage(tools)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Json = Readonly<Record<string, unknown>>;
type Call = (method: string, parameters?: Json, sessionId?: string) => Promise<Json>;

interface Tools {
  readonly call: Call;
  /** Settles when the event comes next. */
  next(event: string): Promise<void>;
}

async function openTools(url: string): Promise<Tools> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const calls = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  const waiting: { readonly event: string; readonly resolve: () => void }[] = [];
  let lastId = 0;
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as { id?: number; method?: string; result?: Json; error?: Json };
    const call = calls.get(message.id ?? 0);
    calls.delete(message.id ?? 0);
    if (message.error !== undefined) call?.reject(new Error(String(message.error.message)));
    else call?.resolve(message.result ?? {});
    for (const { event, resolve } of waiting) if (event === message.method) resolve();
  });
  socket.on("close", () => {
    for (const { reject } of calls.values()) reject(new Error("The browser has ended."));
  });
  return {
    call: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        calls.set(++lastId, { resolve, reject });
        socket.send(JSON.stringify({ id: lastId, method, params, sessionId }));
      }),
    next: (event) => new Promise((resolve) => waiting.push({ event, resolve })),
  };
}

async function openPage({ call, next }: Tools): Promise<Omit<BrowserPage, typeof Symbol.asyncDispose>> {
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  const attached = await call("Target.attachToTarget", { targetId, flatten: true });
  const inPage = (method: string, parameters?: Json) => call(method, parameters, String(attached.sessionId));
  await inPage("Page.enable");
  await inPage("Network.enable");
  return {
    async evaluate(expression) {
      const answer = await inPage("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      // Either is there, as the protocol says.
      const { result, exceptionDetails } = answer as { result?: Json; exceptionDetails?: Json };
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return result?.value;
    },
    async open(url) {
      const loaded = next("Page.loadEventFired");
      await inPage("Page.navigate", { url });
      await loaded;
    },
    async setOffline(offline) {
      await inPage("Network.emulateNetworkConditions", {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    },
    async heapBytes() {
      await inPage("HeapProfiler.collectGarbage");
      return Number((await inPage("Runtime.getHeapUsage")).usedSize);
    },
  };
}

function toolsAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let spoken = "";
    const giveUp = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`The browser ${what}: ${spoken}`));
    };
    const timer = setTimeout(() => giveUp("did not start in time"), START_TIMEOUT_MS);
    child.once("error", ({ message }) => giveUp(message));
    child.once("exit", (code) => giveUp(`ended with ${code}`));
    child.stderr?.on("data", (chunk) => {
      spoken = `${spoken}${chunk}`.slice(-SPOKEN_CHARACTERS);
      const address = /DevTools listening on (ws:\/\/\S+)/.exec(spoken)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}
