import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRoomProvider } from "@sparql-live/client/yjs";
import { createRoomSecret } from "@sparql-live/protocol/sealing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { createMemoryEngine } from "../../packages/server/src/testing/memory-engine.js";
import { manyTriples, startServer } from "../../packages/server/src/testing/start-server.js";
import { temporaryFolder } from "../../packages/server/src/testing/temporary-folder.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { type BrowserPage, hasChromium, shareBrowserPage } from "../support/browser.js";
import { bundleOf, type ReactVersion, servePage } from "../support/page-server.js";
import { startServerProcess } from "../support/server-process.js";
import { openLibraryClient } from "./support.js";

const APP = fileURLToPath(new URL("react/app.ts", import.meta.url));
const HYDRATED = fileURLToPath(new URL("react/hydrated.ts", import.meta.url));
const SERVER_SIDE = fileURLToPath(new URL("react/server-side.ts", import.meta.url));
const ENDLESS = "SELECT * { ?s ?p ?o } # urn:test:endless";
const DEADLINE = { timeout: 20_000 };
const ROWS_COUNT = 3_000;

async function startEverything(version: ReactVersion, browser: BrowserPage) {
  const page = await servePage(await bundleOf(APP, version));
  const server = await startServer({
    engine: createMemoryEngine(manyTriples(ROWS_COUNT)),
    settings: { rateLimitPerMinute: 0, allowedOrigins: [page.origin] },
  });
  await server.server.live.rooms.create({ id: "lab", ownerId: "bob" });
  await browser.open(`${page.origin}/?server=${server.ws}`);
  return {
    server,
    live: server.server.live,
    engine: server.engine,
    page: browser.page,
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await page[Symbol.asyncDispose]();
    },
  };
}

const show = (page: Page, what: readonly string[], more = {}) =>
  page.evaluate(`probe.show(${JSON.stringify(what)}, ${JSON.stringify(more)})`);
const run = (page: Page, sparql: string) =>
  page.evaluate(`void (globalThis.last = probe.handles.query.executeQuery({ sparql: "${sparql}" }))`);
const query = (page: Page) =>
  page.evaluate(
    "(({ rows, progress, result, error, isLoading }) => ({ rows: rows.length, stage: progress?.stage, count: result?.row_count, error: error?.code, isLoading }))(probe.handles.query)",
  );

describeWithPackage("chromium", hasChromium, "the hooks in a browser", () => {
  const openPage = shareBrowserPage();
  describe.each([18, 19] as const)("React %d", (version) => {
    test("[CLIENT-REACT-1] however many components there are, they share one connection, under StrictMode too; the last one closes it", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page, live } = all;
      await show(page, ["socket", "query", "room", "twin", "search", "health"]);
      await expect.poll(() => page.textContent("#state"), DEADLINE).toBe("open");
      await show(page, ["socket"]);
      await show(page, ["socket", "query", "room"]);
      await page.evaluate("probe.unmount()");
      await expect.poll(() => live.counters.connectionsClosed, DEADLINE).toBe(1);
      expect(live.counters.connectionsOpened).toBe(1);
      expect([...live.counters.closesByCode]).toEqual([[1_000, 1]]);
    });

    test("[CLIENT-REACT-2] rows come as they are, and are not rendered one by one", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      await show(page, ["query"]);
      await run(page, "SELECT * { ?s ?p ?o }");
      await expect
        .poll(() => query(page), DEADLINE)
        .toEqual({
          rows: ROWS_COUNT,
          stage: "completed",
          count: ROWS_COUNT,
          error: undefined,
          isLoading: false,
        });
      const renderings = (await page.evaluate("probe.renderings.query.length")) as number;
      expect(renderings).toBeLessThan(ROWS_COUNT / 10);
      expect(await page.evaluate("last.then(({ row_count }) => row_count)")).toBe(ROWS_COUNT);
      await run(page, "SELECT nonsense");
      await expect
        .poll(() => query(page), DEADLINE)
        .toMatchObject({ rows: 0, error: "bad_query", isLoading: false });
      expect(await page.evaluate("last")).toBeNull();
    });

    test("[CLIENT-REACT-3] a query loses its place to a further one, ends on demand, and with its component", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page, live } = all;
      await show(page, ["query", "socket"]);
      await run(page, ENDLESS);
      await expect
        .poll(async () => (await query(page)) as { rows: number }, DEADLINE)
        .toMatchObject({
          isLoading: true,
          rows: expect.toSatisfy((count: number) => count > 0),
        });
      await page.evaluate("void (globalThis.first = last)");
      await run(page, "ASK { ?s ?p ?o }");
      await expect
        .poll(() => query(page), DEADLINE)
        .toMatchObject({ stage: "completed", isLoading: false, rows: 0 });
      expect(await page.evaluate("first")).toBeNull();
      await expect.poll(() => live.runs.activeCount, DEADLINE).toBe(0);

      await run(page, ENDLESS);
      await expect.poll(() => live.runs.activeCount, DEADLINE).toBe(1);
      await page.evaluate("probe.handles.query.cancel()");
      await expect.poll(() => query(page), DEADLINE).toMatchObject({ isLoading: false, error: undefined });
      await expect.poll(() => live.runs.activeCount, DEADLINE).toBe(0);

      await run(page, ENDLESS);
      await expect.poll(() => live.runs.activeCount, DEADLINE).toBe(1);
      await show(page, ["socket"]);
      const before = await page.evaluate("probe.renderings.query.length");
      await expect.poll(() => live.runs.activeCount, DEADLINE).toBe(0);
      expect(await page.evaluate("last")).toBeNull();
      // What is asked from now on, by something that was still to come, is not.
      const late = `probe.handles.query.executeQuery({ sparql: "${ENDLESS}" })`;
      expect(await page.evaluate(late)).toBeNull();
      expect(live.runs.activeCount).toBe(0);
      expect(await page.evaluate("probe.renderings.query.length")).toBe(before);
    });

    test("[CLIENT-REACT-4] a room is entered once for all who show it, who see the same, and left with the last", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page, live } = all;
      await show(page, ["room", "twin"]);
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const room = await bob.joinRoom("lab");
      await expect.poll(() => room.view.getSnapshot().memberCount, DEADLINE).toBe(2);
      for (let count = 0; count < 20; count++) await room.send(count);
      await page.evaluate('probe.handles.room.sendMessage("mine")');
      const all20 = `${Array.from({ length: 20 }, (_, index) => index).join()},mine`;
      await expect.poll(() => page.textContent("#room"), DEADLINE).toBe(all20);
      expect(await page.textContent("#twin")).toBe(all20);
      // In each rendering both have seen the same: nothing was torn.
      const [ofRoom, ofTwin] = (await page.evaluate(
        "[probe.renderings.room, probe.renderings.twin].map((seen) => seen.filter((text, at) => text !== seen[at - 1]))",
      )) as [string[], string[]];
      expect(ofRoom).toEqual(ofTwin);
      room.setTyping(true);
      const typing = () => page.evaluate("probe.handles.twin.typingUsers.map((user) => user.user_id).join()");
      await expect.poll(typing, DEADLINE).toBe("bob");
      await page.evaluate("probe.handles.room.sendCursor({ position: { line: 3 } })");
      await expect
        .poll(() => room.view.getSnapshot().cursors, DEADLINE)
        .toMatchObject([{ position: { line: 3 } }]);

      await show(page, ["twin"]);
      await room.send("still");
      await expect.poll(() => page.textContent("#twin"), DEADLINE).toBe(`${all20},still`);
      expect(room.view.getSnapshot().memberCount).toBe(2);
      await show(page, ["socket"]);
      await expect.poll(() => room.view.getSnapshot().memberCount, DEADLINE).toBe(1);
      expect(live.counters.connectionsClosed).toBe(0);
      await show(page, ["room"]);
      await expect.poll(() => room.view.getSnapshot().memberCount, DEADLINE).toBe(2);
      await page.evaluate('probe.handles.room.sendMessage("back")');
      await expect.poll(() => page.textContent("#room"), DEADLINE).toContain("back");
    });

    test("[CLIENT-REACT-4] what is said in the first moment of a component waits for its room", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const room = await bob.joinRoom("lab");
      await show(page, ["socket", "room"]);
      await page.evaluate('probe.handles.room.sendMessage("at once")');
      await expect.poll(() => room.messages.getSnapshot().at(-1)?.message, DEADLINE).toBe("at once");
    });

    test("[CLIENT-REACT-4] a component that shows another room, or gets another secret, enters with that", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page, live } = all;
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const rooms = [
        { roomId: "den", secret: createRoomSecret() },
        { roomId: "attic", secret: createRoomSecret() },
      ];
      for (const { roomId, secret } of rooms) {
        await live.rooms.create({ id: roomId, ownerId: "bob", isEncrypted: true });
        await bob.joinRoom(roomId, { secret });
      }
      const shown = async (room: object, text: string) => {
        const { roomId = "" } = { ...rooms[0], ...room };
        // Who gets another secret is in the room before too.
        const entered = new Promise<void>((resolve) => {
          bob.room(roomId)?.on("told", ({ type }) => type === "user_joined" && resolve());
        });
        await show(page, ["sealed"], room);
        await entered;
        await bob.sendToRoom(roomId, text);
        return expect.poll(() => page.textContent("#sealed"), DEADLINE);
      };
      for (const room of rooms) await (await shown(room, "hello")).toBe("hello");
      await (await shown({ roomId: "den" }, "not for you")).toBe("null");
      await (await shown({ ...rooms[0] }, "for you")).toBe("for you");
    });

    test("[CLIENT-REACT-4] all see the same, also where messages come while React renders in slices", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const room = await bob.joinRoom("lab");
      const { query_id: queryId } = await bob.sendQuery({ sparql: "ASK {}" }, { room_id: "lab" });
      // The room is followed, and nothing that is mounted shows it: nothing makes React begin anew.
      await show(page, ["shared"], { queryId });
      await page.evaluate(`{
        globalThis.seen = [];
        const look = () => seen.push([...new Set([...document.querySelectorAll("i")].map((one) => one.textContent))]);
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
      }`);
      let isOver = false;
      const talk = async () => {
        for (let count = 0; !isOver && count < 5_000; count++) await room.send(count);
      };
      const talking = talk();
      const seen = () => page.evaluate("seen") as Promise<string[][]>;
      // Rendered one after the other, with a message in between.
      const wereSliced = () =>
        page.evaluate(
          "(probe.renderings.slow ?? []).some(({ index, count }, at, all) => index > 0 && index === all[at - 1].index + 1 && count > all[at - 1].count)",
        );
      for (let tries = 0; tries < 50 && !(await wereSliced()); tries++) {
        const before = (await seen()).length;
        await page.evaluate(`probe.showLater(["shared", "slow"], { queryId: "${queryId}" })`);
        await expect.poll(() => page.locator("i").count(), DEADLINE).toBe(40);
        await show(page, ["shared"], { queryId });
        expect((await seen()).length).toBeGreaterThan(before);
      }
      isOver = true;
      await talking;
      expect(await wereSliced()).toBe(true);
      for (const texts of await seen()) expect(texts.length).toBeLessThan(2);
    });

    test("[CLIENT-REACT-5] the queries of a room are seen by all who show it", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      await show(page, ["room"]);
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      await bob.joinRoom("lab");
      const runs = () =>
        page.evaluate(
          "probe.handles.room.runs.map(({ userId, text, outcome, rowCount }) => ({ userId, text, outcome, rowCount }))",
        );
      await expect.poll(() => page.evaluate("probe.handles.room.status.kind"), DEADLINE).toBe("joined");
      const seen = { userId: "bob", text: "ASK {}", outcome: "completed", rowCount: expect.any(Number) };
      await bob.sendQuery({ sparql: "ASK {}" }, { room_id: "lab" });
      await expect.poll(runs, DEADLINE).toEqual([seen]);
      const abort = new AbortController();
      const endless = bob.sendQuery(
        { sparql: ENDLESS },
        { room_id: "lab", onRows: () => undefined, signal: abort.signal },
      );
      const failed = endless.catch((error: unknown) => error);
      await expect.poll(runs, DEADLINE).toMatchObject([{ outcome: "running", rowCount: null }, seen]);
      // Who comes later sees them too.
      await show(page, []);
      await show(page, ["room"]);
      await expect.poll(runs, DEADLINE).toMatchObject([{ text: ENDLESS, outcome: "running" }, seen]);
      abort.abort();
      await failed;
      await expect.poll(runs, DEADLINE).toMatchObject([{ text: ENDLESS, outcome: "cancelled" }, seen]);
    });

    test("[CLIENT-REACT-9] a run of somebody else is shown from its start, once for all who show it, and goes on without them", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      const attached: unknown[] = [];
      const cancelled: unknown[] = [];
      page.on("websocket", (socket) =>
        socket.on("framesent", ({ payload }) => {
          const { type, payload: body } = JSON.parse(String(payload));
          if (type === "query_attach") attached.push(body.query_id);
          if (type === "query_cancel") cancelled.push(body.query_id);
        }),
      );
      await page.reload();
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const room = await bob.joinRoom("lab");
      const seen = (name: string) =>
        page.evaluate(
          `(({ rows, progress, isLoading, result, error }) => ({ rows: rows.length, stage: progress?.stage, isLoading, count: result?.row_count, error: error?.code }))(probe.handles.${name})`,
        );

      const { query_id: queryId } = await bob.sendQuery(
        { sparql: "SELECT * { ?s ?p ?o }" },
        { room_id: "lab" },
      );
      await show(page, ["shared", "sharedTwin"], { queryId });
      const whole = { rows: ROWS_COUNT, stage: "completed", isLoading: false, count: ROWS_COUNT };
      await expect.poll(() => seen("shared"), DEADLINE).toEqual(whole);
      expect(await seen("sharedTwin")).toEqual(whole);
      expect(attached).toEqual([queryId]);

      const endless = bob.query({ sparql: ENDLESS }, { room_id: "lab" });
      await endless.next();
      await show(page, ["shared"], { queryId: endless.queryId });
      await expect
        .poll(() => seen("shared"), DEADLINE)
        .toMatchObject({ isLoading: true, rows: expect.toSatisfy((count: number) => count > 0) });
      await show(page, ["room", "shared"]);
      await expect.poll(() => seen("shared"), DEADLINE).toEqual({ rows: 0, isLoading: false });
      await expect.poll(() => page.evaluate("probe.handles.room.status.kind"), DEADLINE).toBe("joined");
      // Behind whatever was sent when it was not shown any more.
      await page.evaluate('probe.handles.room.sendMessage("gone")');
      await expect.poll(() => room.messages.getSnapshot().length, DEADLINE).toBe(1);
      expect(cancelled).toEqual([]);
      expect(all.live.runs.activeCount).toBe(1);
      await show(page, ["room", "shared"], { queryId: "nothing" });
      await expect
        .poll(() => seen("shared"), DEADLINE)
        .toEqual({ rows: 0, isLoading: false, error: "query_not_found" });
      await bob.cancelQuery(endless.queryId);
      await expect(endless.result).rejects.toMatchObject({ code: "query_cancelled" });
    });

    test("[CLIENT-REACT-10] the document of a room is one for all who show it; what was written last arrives", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page } = all;
      using bob = openLibraryClient(all.server.ws, { userId: "bob" });
      const room = await bob.joinRoom("lab");
      const doc = new Y.Doc();
      const provider = createRoomProvider(room, doc);
      const text = doc.getText("query");
      text.insert(0, "ASK {}");
      await expect.poll(() => provider.saved.getSnapshot(), DEADLINE).toBe(true);

      await show(page, ["document", "documentTwin"]);
      for (const name of ["document", "documentTwin"]) {
        await expect.poll(() => page.textContent(`#${name}`), DEADLINE).toBe("synced, editable");
      }
      const { document, documentTwin } = {
        document: "probe.handles.document",
        documentTwin: "probe.handles.documentTwin",
      };
      expect(await page.evaluate(`${document}.provider === ${documentTwin}.provider`)).toBe(true);
      expect(await page.evaluate(`String(${document}.text)`)).toBe("ASK {}");
      await show(page, ["documentTwin"]);
      await page.evaluate(`${documentTwin}.text.insert(0, "# kept\\n")`);
      await expect.poll(() => String(text), DEADLINE).toBe("# kept\nASK {}");

      await page.evaluate(`${documentTwin}.text.insert(0, "# last\\n"), probe.show([])`);
      await expect.poll(() => String(text), DEADLINE).toBe("# last\n# kept\nASK {}");
      await expect.poll(() => room.view.getSnapshot().memberCount, DEADLINE).toBe(1);
      // Back at once: the room is still on its way out.
      await show(page, ["room"]);
      await expect.poll(() => page.evaluate("probe.handles.room.status.kind"), DEADLINE).toBe("joined");
      const leaving = `new Promise((resolve) => { probe.show([]); setTimeout(() => { probe.show(["document", "room"]); resolve(); }); })`;
      await page.evaluate(leaving);
      await expect.poll(() => page.textContent("#document"), DEADLINE).toBe("synced, editable");
      await expect.poll(() => page.evaluate("probe.handles.room.status.kind"), DEADLINE).toBe("joined");
      expect(await page.evaluate(`String(${document}.text)`)).toBe(String(text));

      bob.send("room_member_update", { room_id: "lab", user_id: "ada", action: "role", role: "viewer" });
      await expect.poll(() => page.textContent("#document"), DEADLINE).toBe("synced, fixed");
      bob.send("room_member_update", { room_id: "lab", user_id: "ada", action: "kick" });
      await expect.poll(() => page.textContent("#document"), DEADLINE).toContain("left");
      provider.destroy();
    });

    test("[CLIENT-REACT-7] endpoints are shown with their health, as it changes", {
      timeout: 120_000,
    }, async () => {
      await using all = await startEverything(version, openPage());
      const { page, engine } = all;
      await show(page, ["health"]);
      const health = () =>
        page.evaluate(
          "probe.handles.health.endpoints.map(({ endpoint_id, health }) => [endpoint_id, health.state])",
        );
      await expect.poll(health, DEADLINE).toEqual([["local", "healthy"]]);
      engine.setHealth({ state: "unreachable", latencyMs: null, checkedAt: null, consecutiveFailures: 3 });
      await expect.poll(health, DEADLINE).toEqual([["local", "unreachable"]]);
    });
  });

  test("[CLIENT-REACT-6] a search waits until the text stays as it is, and answers to former texts are dropped", {
    timeout: 120_000,
  }, async () => {
    await using page = await servePage(await bundleOf(APP, 19));
    await using server = await startServerProcess({ settings: ["--allowed-origins", page.origin] });
    await using browser = openPage();
    const asked: string[] = [];
    browser.page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        const { type, payload: body } = JSON.parse(String(payload));
        if (type === "ontology_search") asked.push(body.query);
      }),
    );
    await browser.open(`${page.origin}/?server=${server.webSocketUrl}`);
    await browser.page.evaluate('for (const text of ["x", "xy", "a"]) probe.show(["search"], { text })');
    const found = () => browser.page.evaluate("probe.renderings.search.at(-1)");
    await expect.poll(found, DEADLINE).toBe("a");
    expect(asked).toEqual(["a"]);
    await show(browser.page, ["search"], { text: " " });
    await expect.poll(found, DEADLINE).toBe("");
    expect(asked).toEqual(["a"]);
  });
});

/** In a process of its own, which ends by itself only where nothing was left open. */
async function renderOnServer(version: ReactVersion, url: string): Promise<string> {
  await using folder = await temporaryFolder();
  const file = folder.path("server-side.mjs");
  await writeFile(file, await bundleOf(SERVER_SIDE, version, "node"));
  const { stdout } = await promisify(execFile)(process.execPath, [file, url], { timeout: 60_000 });
  const rendered: { readonly version: string; readonly html: string } = JSON.parse(stdout);
  expect(rendered.version.startsWith(`${version}.`)).toBe(true);
  return rendered.html;
}

const UNCONNECTED = [
  '<p id="connection">idle</p>',
  '<p id="query">0,false</p>',
  '<p id="room">joining,0,0</p>',
  '<p id="document">entering</p>',
  '<p id="run">true,fine</p>',
  '<p id="search">false</p>',
  '<p id="health"></p>',
].join("");

describe.each([18, 19] as const)("pages that a server has rendered, React %d", (version) => {
  test("[CLIENT-REACT-8] a server renders what there is without a connection, and makes none", async () => {
    // A path has no meaning without a page: a client that was made would throw.
    expect(await renderOnServer(version, "/api/ws/query")).toBe(UNCONNECTED);
  });

  describeWithPackage("chromium", hasChromium, "in a browser", () => {
    const openPage = shareBrowserPage();
    test("[CLIENT-REACT-8] the page goes on with what a server has rendered, and connects", {
      timeout: 120_000,
    }, async () => {
      const html = await renderOnServer(version, "/api/ws/query");
      await using page = await servePage(await bundleOf(HYDRATED, version), `<main>${html}</main>`);
      await using server = await startServer({ settings: { allowedOrigins: [page.origin] } });
      await server.server.live.rooms.create({ id: "lab", ownerId: "bob" });
      await using browser = openPage();
      const complaints: string[] = [];
      browser.page.on("console", (line) => {
        if (line.type() === "error") complaints.push(line.text());
      });
      await browser.open(`${page.origin}/?server=${server.ws}`);
      const shown = async () => (await browser.page.locator("p").allTextContents()).join(" ");
      await expect
        .poll(shown, DEADLINE)
        .toBe("open 0,false joined,1,0 synced false,query_not_found true local");
      expect(await browser.evaluate("mended")).toEqual([]);
      expect(complaints).toEqual([]);
    });
  });
});
