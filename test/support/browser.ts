import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);

/** A page of a real browser without a window. */
export interface BrowserPage extends AsyncDisposable {
  readonly page: Page;
  /** The value of an expression, or what its promise settles with; plain data alone. Rejects with what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** Loads an address; settles when it has loaded. */
  open(url: string): Promise<void>;
  /** Tells the page that the machine is offline, or not any more. */
  setOffline(offline: boolean): Promise<void>;
  /** A further page of the same browser, with storage of its own. */
  another(): Promise<Page>;
  /** What its scripts hold, after collecting garbage. */
  heapBytes(): Promise<number>;
}

export async function openBrowserPage(): Promise<BrowserPage> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    timeout: 60_000,
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  return {
    page,
    evaluate: (expression) => page.evaluate(expression),
    async open(url) {
      await page.goto(url);
    },
    setOffline: (offline) => context.setOffline(offline),
    another: async () => (await browser.newContext()).newPage(),
    async heapBytes() {
      const tools = await context.newCDPSession(page);
      await tools.send("HeapProfiler.collectGarbage");
      const { usedSize } = await tools.send("Runtime.getHeapUsage");
      await tools.detach();
      return usedSize;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/**
 * One page for all tests of a group, one after another: a browser of its own would take longer than most of them do.
 * What is given to a test leaves the page empty at its end.
 */
export function shareBrowserPage(): () => BrowserPage {
  let shared: BrowserPage | undefined;
  beforeAll(async () => {
    shared = await openBrowserPage();
  });
  afterAll(async () => shared?.[Symbol.asyncDispose]());
  return () => {
    if (shared === undefined) throw new Error("It is opened before the first test.");
    const page = shared;
    return { ...page, [Symbol.asyncDispose]: () => page.open("about:blank") };
  };
}
