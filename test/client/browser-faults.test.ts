import { expect, test } from "vitest";
import { manyTriples, startServer } from "../../packages/server/src/testing/start-server.js";
import { createStreamEngine } from "../../packages/server/src/testing/stream-engine.js";
import { inSeconds, tokenOf, WITH_SECRET } from "../../packages/server/src/testing/tokens.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { type BrowserPage, hasChromium, shareBrowserPage } from "../support/browser.js";
import { printFigures } from "../support/figures.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { servePage } from "./library-page.js";
import { openLibraryClient } from "./support.js";

const DEADLINE = { timeout: 90_000, interval: 50 };
const LONG = { timeout: 240_000 };
/** How long the network is away: shorter than a user would notice, or as long as a train is in a tunnel. */
const CUT_MS = process.env.CHAOS === "long" ? 30_000 : 2_000;
const MEBIBYTE = 1024 * 1024;

/** Ada's client in the page, in the room `lab`: `seen`, `states` and `faults` are kept, `say` counts what waits. */
async function openAda(browser: BrowserPage, origin: string, url: string, options = "userId: 'ada'") {
  await browser.open(origin);
  await browser.evaluate(`(async () => {
    globalThis.client = new library.SPARQLWebSocketClient("${url}", { reconnectInterval: 200, reconnectDecay: 1, ${options} });
    globalThis.states = []; globalThis.faults = []; globalThis.seen = []; globalThis.waiting = 0; globalThis.refused = 0;
    client.on("state", (state) => states.push(state.kind + " " + (state.close?.reason ?? "")));
    client.on("fault", (error) => faults.push(String(error)));
    client.on("gap", () => seen.push("gap"));
  })()`);
}

async function enterRoom(browser: BrowserPage) {
  await browser.evaluate(`(async () => {
    globalThis.room = await client.joinRoom("lab", { timeoutMs: 60_000 });
    room.on("message", ({ message }) => seen.push(message));
    globalThis.say = (text) => {
      waiting++;
      room.send(text).catch(() => refused++).finally(() => waiting--);
    };
  })()`);
}

function say(browser: BrowserPage, from: number, to: number) {
  return browser.evaluate(`for (let index = ${from}; index < ${to}; index++) say("ada " + index);`);
}

function numbered(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, index) => `ada ${from + index}`);
}

async function startPageAndProcess(settings: readonly string[] = [], data?: string) {
  const page = await servePage();
  const server: ServerProcess = await startServerProcess({
    settings: [
      ...["--rate-limit-per-minute", "0", "--log-level", "warn", "--allowed-origins", page.origin],
      ...settings,
    ],
    ...(data === undefined ? {} : { data }),
  });
  await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  return {
    page,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await page[Symbol.asyncDispose]();
    },
  };
}

describeWithPackage("chromium", hasChromium, "faults under a client in a browser", () => {
  const openPage = shareBrowserPage();
  test(
    "[CLIENT-26] kill -9 under a stream and a conversation: nothing of the room is lost or doubled, the stream is told as lost",
    LONG,
    async () => {
      await using all = await startPageAndProcess([], manyTriples(9_000));
      const { server } = all;
      await using browser = openPage();
      using bob = openLibraryClient(server.webSocketUrl, { userId: "bob" });
      const bobsRoom = await bob.joinRoom("lab");
      const bobsSeen: unknown[] = [];
      bobsRoom.on("message", ({ message }) => bobsSeen.push(message));
      await openAda(browser, all.page.origin, server.webSocketUrl);
      await enterRoom(browser);
      await browser.evaluate(`(async () => {
      globalThis.rows = [];
      const stream = client.query({ sparql: "SELECT ?s ?o { ?s ?p ?o }" }, { bufferRows: 500 });
      for (let index = 0; index < 100; index++) rows.push((await stream.next()).value.s.value);
      globalThis.goOn = async () => { for await (const { s } of stream) rows.push(s.value); return "whole"; };
    })()`);
      await say(browser, 0, 30);
      await expect.poll(() => browser.evaluate("seen.length"), DEADLINE).toBeGreaterThan(10);
      await server.kill();
      await expect.poll(() => browser.evaluate("client.state.kind"), DEADLINE).not.toBe("open");
      await say(browser, 30, 40);
      await server.start();
      await expect.poll(() => browser.evaluate("waiting"), DEADLINE).toBe(0);
      await expect.poll(() => browser.evaluate("seen"), DEADLINE).toEqual(numbered(0, 40));
      await expect.poll(() => bobsSeen, DEADLINE).toEqual(numbered(0, 40));
      expect(await browser.evaluate("refused")).toBe(0);
      expect(await browser.evaluate("goOn().catch(({ code }) => code)")).toBe("query_lost");
      const counts = await browser.evaluate("[rows.length, new Set(rows).size]");
      const [count, differentCount] = counts as [number, number];
      expect(count).toBeGreaterThanOrEqual(100);
      expect(differentCount).toBe(count);
    },
  );

  test(
    "[CLIENT-8] a network that is cut without a word is noticed, and what was said meanwhile arrives once and in order",
    LONG,
    async () => {
      await using page = await servePage();
      await using server = await startServer({
        settings: { rateLimitPerMinute: 0, allowedOrigins: [page.origin] },
      });
      await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
      await using proxy = await startTcpProxy(Number(new URL(server.url).port));
      await using browser = openPage();
      using bob = openLibraryClient(server.ws, { userId: "bob" });
      const bobsRoom = await bob.joinRoom("lab");
      const times = `heartbeatInterval: ${CUT_MS / 6}, heartbeatTimeout: ${CUT_MS / 6}, connectTimeout: ${CUT_MS / 4}`;
      await openAda(
        browser,
        page.origin,
        `ws://127.0.0.1:${proxy.port}/api/ws/query`,
        `userId: "ada", ${times}`,
      );
      await enterRoom(browser);
      await say(browser, 0, 5);
      await expect.poll(() => browser.evaluate("waiting"), DEADLINE).toBe(0);
      const backAtMs = performance.now() + CUT_MS;
      proxy.nextFate = () => (performance.now() < backAtMs ? { stallAfterBytes: 0 } : {});
      proxy.stall();
      await say(browser, 5, 20);
      await expect.poll(() => browser.evaluate("waiting"), DEADLINE).toBe(0);
      expect(performance.now()).toBeGreaterThan(backAtMs);
      await expect.poll(() => browser.evaluate("seen"), DEADLINE).toEqual(numbered(0, 20));
      await expect
        .poll(() => bobsRoom.messages.getSnapshot().map(({ message }) => message), DEADLINE)
        .toEqual(numbered(0, 20));
      const states = await browser.evaluate("states");
      expect(states).toContain("reconnecting heartbeat_timeout");
      expect(proxy.connectionsCount).toBeGreaterThan(2);
      printFigures("silent cut", { ms: CUT_MS, connections: proxy.connectionsCount });
    },
  );

  test(
    "[CLIENT-4] a server that ends in good order is left after it said so, and found again after its next start",
    LONG,
    async () => {
      await using all = await startPageAndProcess();
      const { server } = all;
      await using browser = openPage();
      await openAda(browser, all.page.origin, server.webSocketUrl);
      await enterRoom(browser);
      await say(browser, 0, 20);
      expect(await server.terminate()).toBe(0);
      await say(browser, 20, 40);
      await server.start();
      await expect.poll(() => browser.evaluate("waiting"), DEADLINE).toBe(0);
      await expect.poll(() => browser.evaluate("seen"), DEADLINE).toEqual(numbered(0, 40));
      const states = (await browser.evaluate("states")) as readonly string[];
      expect(states.slice(0, 3)).toEqual(["open ", "draining ", "reconnecting going_away"]);
    },
  );

  test(
    "[CLIENT-9] a token that expires is replaced in place; where none can be had, it is told and asked for again",
    LONG,
    async () => {
      // The first is long enough to be replaced in time also where everything is slow.
      const lives = [16, 5];
      let isAway = true;
      await using page = await servePage({
        makeToken() {
          const life = lives.shift();
          if (life === undefined && isAway) return Promise.reject(new Error("away"));
          return tokenOf("ada", { exp: inSeconds(life ?? 3_600) });
        },
      });
      await using server = await startServer({
        settings: { ...WITH_SECRET, rateLimitPerMinute: 0, allowedOrigins: [page.origin] },
      });
      await using browser = openPage();
      const token = `token: async () => {
      const answer = await fetch("/token");
      if (!answer.ok) throw new Error("no token");
      return answer.text();
    }`;
      await openAda(browser, page.origin, server.ws, token);
      await expect.poll(() => browser.evaluate("states"), DEADLINE).toContain("reconnecting token_expired");
      expect(lives).toEqual([]);
      expect(await browser.evaluate("states.slice(0, 2)")).toEqual(["open ", "reconnecting token_expired"]);
      await expect.poll(() => browser.evaluate("states"), DEADLINE).toContain("reconnecting no_token");
      expect(await browser.evaluate("faults")).toContain("Error: no token");
      isAway = false;
      await expect.poll(() => browser.evaluate("client.state.kind"), DEADLINE).toBe("open");
      expect(
        await browser.evaluate(`client.sendQuery("all cities").then((result) => result.row_count)`),
      ).toBe(3);
    },
  );

  test(
    "[CLIENT-22] 4,000 rows a second into a slow page: all arrive, what waits and what it holds is bounded",
    LONG,
    async () => {
      await using page = await servePage();
      const engine = createStreamEngine({ rowCount: 20_000, batchRows: 100 });
      await using server = await startServer({ engine, settings: { allowedOrigins: [page.origin] } });
      await using browser = openPage();
      await openAda(browser, page.origin, server.ws);
      await browser.evaluate("client.connect()");
      const before = await browser.heapBytes();
      const read = await browser.evaluate(`(async () => {
      const begun = performance.now();
      const stream = client.query({ sparql: "SELECT * {}" }, { bufferRows: 400 });
      let [count, most, wrong] = [0, 0, 0];
      for await (const { n } of stream) {
        most = Math.max(most, stream.bufferedCount);
        if (n.value !== String(count++)) wrong++;
        // A hundred rows, then a moment for drawing them.
        if (count % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return [count, most, wrong, Math.round(count / ((performance.now() - begun) / 1_000))];
    })()`);
      const after = await browser.heapBytes();
      const [count, most, wrong, perSecond] = read as [number, number, number, number];
      printFigures("slow page", {
        rows: count,
        "rows per second": perSecond,
        "most buffered": most,
        "heap KiB": Math.round((after - before) / 1024),
      });
      expect([count, wrong]).toEqual([20_000, 0]);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(400 + 100);
      expect(after).toBeLessThan(before + 2 * MEBIBYTE);
    },
  );
});
