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

  test("[CLIENT-15] who was there first takes over from who came later, and left", {
    timeout: 120_000,
  }, async () => {
    await using all = await startEverything();
    await using browser = await openBrowserPage();
    using bob = openLibraryClient(all.server.ws, { userId: "bob" });
    const seen = await bob.joinRoom("lab");
    const join = (url: string) => `(async () => {
      globalThis.client = new library.SPARQLWebSocketClient("${url}", {
        userId: "ada", outboxStorage: library.indexedDbOutbox(),
      });
      globalThis.room = await client.joinRoom("lab");
    })()`;
    await browser.open(all.page.origin);
    await browser.evaluate(join(all.server.ws));
    const later = await browser.page.context().newPage();
    await later.goto(all.page.origin);
    await later.evaluate(join(all.through));
    all.proxy.stall();
    await later.evaluate(`void ["one", "two"].map((text) => room.send(text))`);
    const kept = `library.indexedDbOutbox().load().then((entries) => entries.length)`;
    await expect.poll(() => later.evaluate(kept), DEADLINE).toBe(2);
    await later.close();
    await expect
      .poll(() => seen.messages.getSnapshot().map(({ message }) => message), DEADLINE)
      .toEqual(["one", "two"]);
  });

  test("[CLIENT-15] what cannot be taken over is told, and takes nothing of the page's own with it", {
    timeout: 120_000,
  }, async () => {
    await using page = await servePage();
    await using browser = await openBrowserPage();
    await browser.open(page.origin);
    await browser.evaluate(`(async () => {
      globalThis.entry = (messageId) => ({ messageId, roomId: "lab", kind: "message", body: messageId, order: 1 });
      globalThis.outbox = library.indexedDbOutbox();
      globalThis.idsOf = (entries) => entries.map(({ messageId }) => messageId);
      for (const id of ["kept", "taken back"]) await outbox.put(entry(id));
      const database = await new Promise((resolve) => {
        indexedDB.open("sparql-live-outbox").onsuccess = ({ target }) => resolve(target.result);
      });
      const transaction = database.transaction("messages", "readwrite");
      transaction.objectStore("messages").put({ messageId: "foreign", pageId: "other", entry: entry("foreign") });
      await new Promise((resolve) => (transaction.oncomplete = resolve));
      const never = new Promise(() => undefined);
      await new Promise((held) =>
        navigator.locks.request("sparql-live-page:other", () => { held(); return never; }));
    })()`);
    const taken = `(async () => {
      const loading = outbox.load();
      await outbox.delete("taken back");
      return idsOf(await loading);
    })()`;
    expect(await browser.evaluate(taken)).toEqual(["kept"]);
    const failed = `(async () => {
      const { request } = navigator.locks;
      navigator.locks.request = () => Promise.reject(new Error("no locks"));
      const another = library.indexedDbOutbox();
      const errors = [];
      const found = await another.load(undefined, ({ message }) => errors.push(message));
      delete navigator.locks.request;
      return [idsOf(found), errors];
    })()`;
    expect(await browser.evaluate(failed)).toEqual([["kept"], ["no locks"]]);
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
