import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { hasChromium, openBrowserPage } from "../support/browser.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { servePage } from "./library-page.js";
import { openLibraryClient } from "./support.js";

const DEADLINE = { timeout: 20_000 };

async function startEverything() {
  const page = await servePage();
  const server = await startServer({ settings: { rateLimitPerMinute: 0, allowedOrigins: [page.origin] } });
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=lab`, { method: "POST" });
  expect(made.status).toBe(200);
  const proxy = await startTcpProxy(Number(new URL(server.url).port));
  return {
    page,
    server,
    proxy,
    through: `ws://127.0.0.1:${proxy.port}/api/ws/query`,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await page[Symbol.asyncDispose]();
    },
  };
}

describeWithPackage("chromium", hasChromium, "the client in a browser", () => {
  test("[CLIENT-15] messages that wait survive a reload of the page", { timeout: 120_000 }, async () => {
    await using all = await startEverything();
    await using browser = await openBrowserPage();
    using bob = openLibraryClient(all.server.ws, { userId: "bob" });
    const seen = await bob.joinRoom("lab");
    await browser.open(all.page.origin);
    await browser.evaluate(`(async () => {
      globalThis.client = new library.SPARQLWebSocketClient("${all.through}", {
        userId: "ada", outboxStorage: library.indexedDbOutbox(),
      });
      globalThis.room = await client.joinRoom("lab");
      await room.send("before");
    })()`);
    all.proxy.stall();
    await browser.evaluate(`(async () => {
      for (const text of ["one", "two", "three"]) room.send(text).catch(() => undefined);
    })()`);
    const kept = `library.indexedDbOutbox().load().then((entries) => entries.length)`;
    await expect.poll(() => browser.evaluate(kept), DEADLINE).toBe(3);
    await browser.open(all.page.origin);
    await browser.evaluate(`(async () => {
      globalThis.client = new library.SPARQLWebSocketClient("${all.server.ws}", {
        userId: "ada", outboxStorage: library.indexedDbOutbox(),
      });
      await client.joinRoom("lab");
    })()`);
    await expect
      .poll(() => seen.messages.getSnapshot().map(({ message }) => message), DEADLINE)
      .toEqual(["before", "one", "two", "three"]);
    await expect.poll(() => browser.evaluate(kept), DEADLINE).toBe(0);
  });

  test("[CLIENT-15] two pages send their own messages, and who stays those of who leaves", {
    timeout: 120_000,
  }, async () => {
    await using all = await startEverything();
    await using browser = await openBrowserPage();
    using bob = openLibraryClient(all.server.ws, { userId: "bob" });
    const seen = await bob.joinRoom("lab");
    const texts = () => seen.messages.getSnapshot().map(({ message }) => message);
    const join = (url: string) => `(async () => {
      globalThis.client = new library.SPARQLWebSocketClient("${url}", {
        userId: "ada", outboxStorage: library.indexedDbOutbox(),
      });
      globalThis.room = await client.joinRoom("lab");
    })()`;
    await browser.open(all.page.origin);
    await browser.evaluate(join(all.through));
    all.proxy.stall();
    await browser.evaluate(`void ["one", "two"].map((text) => room.send(text))`);
    const kept = `library.indexedDbOutbox().load().then((entries) => entries.length)`;
    await expect.poll(() => browser.evaluate(kept), DEADLINE).toBe(2);
    const beside = await browser.page.context().newPage();
    await beside.goto(all.page.origin);
    await beside.evaluate(join(all.server.ws));
    await beside.evaluate(`room.send("three")`);
    await expect.poll(texts, DEADLINE).toEqual(["three"]);
    await browser.page.close();
    await expect.poll(texts, DEADLINE).toEqual(["three", "one", "two"]);
    await expect.poll(() => beside.evaluate(kept), DEADLINE).toBe(0);
  });

  test("[CLIENT-7] a page that is offline tries nothing, and comes back when it is online", {
    timeout: 120_000,
  }, async () => {
    await using all = await startEverything();
    await using browser = await openBrowserPage();
    await browser.open(all.page.origin);
    const asked = await browser.evaluate(`(async () => {
      globalThis.client = new library.SPARQLWebSocketClient("${all.through}", { reconnectInterval: 600_000 });
      return (await client.sendQuery("all cities")).row_count;
    })()`);
    expect(asked).toBe(3);
    await browser.setOffline(true);
    all.proxy.drop();
    await expect.poll(() => browser.evaluate("client.state.kind"), DEADLINE).toBe("reconnecting");
    expect(await browser.evaluate("client.state.nextTryAtMs")).toBeNull();
    const before = all.proxy.connectionsCount;
    await browser.setOffline(false);
    await expect.poll(() => browser.evaluate("client.state.kind"), DEADLINE).toBe("open");
    expect(all.proxy.connectionsCount).toBe(before + 1);
  });
});
