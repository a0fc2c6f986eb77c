import type { OutboxStorage } from "@sparql-live/client";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../packages/server/src/testing/start-server.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { hasChromium, shareBrowserPage } from "../support/browser.js";
import { servePage } from "./library-page.js";
import { startScriptedServer, tell } from "./scripted-server.js";
import { openLibraryClient } from "./support.js";

const QUIET = { rateLimitPerMinute: 0 };
const DEADLINE = { timeout: 30_000 };

async function makeRoom(server: TestServer, room: string): Promise<void> {
  const made = await fetch(`${server.url}/api/ws/rooms?room_id=${room}`, { method: "POST" });
  expect(made.status).toBe(200);
}

test("[CLIENT-29] what is called before the code for rooms has come is done in the order of the calls", async () => {
  await using server = await startServer({ settings: QUIET });
  for (const id of ["lab", "den"]) await makeRoom(server, id);
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  await expect(ada.sendToRoom("lab", "too early")).rejects.toMatchObject({ code: "not_in_room" });
  const joined = ada.joinRoom("lab");
  const said = [ada.sendToRoom("lab", "one"), ada.sendToRoom("lab", "two")];
  const entered = ada.joinRoom("den");
  const refused = expect(entered).rejects.toMatchObject({ code: "not_in_room" });
  const left = ada.leaveRoom("den");
  const again = ada.joinRoom("den");
  const room = await joined;
  expect(ada.room("lab")).toBe(room);
  await Promise.all(said);
  expect(room.messages.getSnapshot().map(({ message }) => message)).toEqual(["one", "two"]);
  await Promise.all([refused, left]);
  expect((await again).view.getSnapshot().status.kind).toBe("joined");
  await ada.leaveRoom("nowhere");
});

test("[CLIENT-29] who waits for the code for rooms is told of a signal, of the time and of the end", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  const aborting = new AbortController();
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  const aborted = ada.joinRoom("lab", { signal: aborting.signal });
  aborting.abort();
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  await ada.loadRooms();
  expect(ada.room("lab")).toBeUndefined();

  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const waiting = [bob.joinRoom("lab", { timeoutMs: 0 }), bob.loadRooms(), bob.sendToRoom("lab", "hello")];
  bob.leaveRoom("den").catch(() => undefined);
  const settled = Promise.allSettled(waiting);
  const left = bob.leaveRoom("lab");
  bob.disconnect();
  const codes = (await settled).map((outcome) => outcome.status === "rejected" && outcome.reason.code);
  expect(codes).toEqual(["connection_closed", "connection_closed", "connection_closed"]);
  await left;
  await expect(bob.loadRooms()).rejects.toMatchObject({ code: "connection_closed" });
  await bob.connect();
  expect(bob.room("lab")).toBeUndefined();
  await bob.joinRoom("lab");
});

test("[CLIENT-29] who connects to the address of a room has its code before anything comes of it", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const room = await bob.joinRoom("lab");
  await room.send("before");
  room.on("told", ({ type }) => {
    if (type === "user_joined") for (const text of ["one", "two", "three"]) void room.send(text);
  });
  using ada = openLibraryClient(server.ws.replace("/query", "/room/lab"), { userId: "ada" });
  const told: unknown[] = [];
  ada.on("join_room", ({ room_id: id }) => told.push(id));
  ada.on("room_message", ({ message }) => told.push(message));
  await ada.endpoints();
  await ada.sendToRoom("lab", "hers");
  await expect.poll(() => told, DEADLINE).toContain("three");
  expect(told.filter((item) => item !== "lab" && item !== "hers")).toEqual(["one", "two", "three"]);
  expect(told[0]).toBe("lab");
  const kept = ada.room("lab")?.messages.getSnapshot();
  expect(kept?.map(({ message }) => message).sort()).toEqual(["hers", "one", "three", "two"]);
  await ada.leaveRoom("lab");
  expect(ada.room("lab")).toBeUndefined();
});

test("[CLIENT-29] a room is entered also where an address was not known to be its own", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using bob = openLibraryClient(server.ws, { userId: "bob" });
  const room = await bob.joinRoom("lab");
  using ada = openLibraryClient(server.ws, { userId: "ada" });
  await ada.connect();
  // As a proxy does that writes addresses anew: the server enters the room unasked.
  expect(ada.send("join_room", { room_id: "lab" })).not.toBeNull();
  await expect.poll(() => ada.room("lab")?.view.getSnapshot().status.kind, DEADLINE).toBe("joined");
  await room.send("for all");
  await expect
    .poll(
      () =>
        ada
          .room("lab")
          ?.messages.getSnapshot()
          .map(({ message }) => message),
      DEADLINE,
    )
    .toEqual(["for all"]);
});

test("[CLIENT-29] what is written before the code has come is kept like everything else that waits", async () => {
  await using server = await startScriptedServer();
  const stored: string[] = [];
  const outboxStorage: OutboxStorage = {
    load: async () => [],
    put: async ({ messageId }) => void stored.push(messageId),
    delete: async () => undefined,
  };
  server.greets = false;
  using client = openLibraryClient(server.url, { outboxStorage });
  const joined = client.joinRoom("lab", { timeoutMs: 0 });
  const late = client.sendToRoom("lab", "draft", { messageId: "m1", timeoutMs: 50 });
  expect(stored).toEqual(["m1"]);
  expect(client.deliveries.getSnapshot()).toEqual([{ messageId: "m1", roomId: "lab", state: "queued" }]);
  await expect(late).rejects.toMatchObject({ code: "timeout" });
  const given = client.sendToRoom("lab", "kept", { messageId: "m2" });
  const ended = expect(Promise.all([joined, given])).rejects.toMatchObject({ code: "connection_closed" });
  client.disconnect();
  await ended;
  expect(stored).toEqual(["m1", "m2"]);
});

test("[CLIENT-29] of a room that is given up before its code has come nothing waits any more", async () => {
  await using server = await startServer({ settings: QUIET });
  await makeRoom(server, "lab");
  using client = openLibraryClient(server.ws, { userId: "ada" });
  const aborting = new AbortController();
  const joined = client.joinRoom("lab", { signal: aborting.signal });
  const said = client.sendToRoom("lab", "into nothing");
  aborting.abort();
  for (const promise of [joined, said]) await expect(promise).rejects.toMatchObject({ code: "aborted" });
  expect(client.deliveries.getSnapshot()).toEqual([]);
});

test("[CLIENT-29] what an application asks of rooms by messages of its own is told as it came", async () => {
  await using server = await startScriptedServer();
  server.onConnection = (socket) => {
    tell(socket, "typing_indicator", {
      ...{ room_id: "lab", user_id: "bob", user_name: "Bob", connection_id: "c9" },
      is_typing: true,
    });
  };
  using client = openLibraryClient(server.url, { autoConnect: false });
  const told = new Promise((resolve) => client.once("typing_indicator", resolve));
  await client.connect();
  expect(await told).toMatchObject({ room_id: "lab", is_typing: true });
  expect(client.room("lab")).toBeUndefined();
});

describeWithPackage("chromium", hasChromium, "the code for rooms in a browser", () => {
  const openPage = shareBrowserPage();

  test("[CLIENT-29] only who enters a room loads the code for it, and it can be had before", {
    timeout: 120_000,
  }, async () => {
    const paths: string[] = [];
    await using all = await startAll((path) => {
      paths.push(path);
      return true;
    });
    await using browser = openPage();
    await all.open(browser);
    await browser.evaluate("client.connect()");
    await browser.evaluate(`client.sendQuery({ sparql: "ASK {}" }).then(() => undefined)`);
    expect(paths).toContain("queries/runs.js");
    expect(paths).not.toContain("rooms/rooms.js");
    await browser.evaluate("client.loadRooms()");
    expect(paths).toContain("rooms/rooms.js");
    await browser.setOffline(true);
    await browser.evaluate(`void (globalThis.joined = client.joinRoom("lab").then(({ id }) => id))`);
    await browser.setOffline(false);
    expect(await browser.evaluate("joined")).toBe("lab");
  });

  test("[CLIENT-29] where the code cannot be had joining is refused with not_loaded, and succeeds when it can", {
    timeout: 120_000,
  }, async () => {
    let mayServe = false;
    await using all = await startAll((path) => mayServe || path !== "rooms/rooms.js");
    await using browser = openPage();
    await all.open(browser);
    await browser.evaluate("client.connect()");
    const join = `client.joinRoom("lab").then(({ id }) => id, ({ code, retry }) => [code, retry])`;
    expect(await browser.evaluate(join)).toEqual(["not_loaded", true]);
    expect(await browser.evaluate("faults")).toEqual(["not_loaded"]);
    mayServe = true;
    expect(await browser.evaluate(join)).toBe("lab");
  });

  test("[CLIENT-29] without a connection joining waits for one, and tries again to load the code", {
    timeout: 120_000,
  }, async () => {
    let mayServe = false;
    let askedCount = 0;
    await using all = await startAll((path) => {
      if (path !== "rooms/rooms.js") return true;
      askedCount++;
      return mayServe;
    });
    await using browser = openPage();
    await all.open(browser);
    await browser.evaluate(
      `void (globalThis.joined = client.joinRoom("lab", { timeoutMs: 0 }).then(({ id }) => id))`,
    );
    await expect.poll(() => askedCount, DEADLINE).toBe(1);
    await browser.evaluate(`void setTimeout(() => { globalThis.isLater = true; }, 100)`);
    await expect.poll(() => browser.evaluate("globalThis.isLater === true"), DEADLINE).toBe(true);
    mayServe = true;
    await browser.evaluate("client.connect()");
    expect(await browser.evaluate("joined")).toBe("lab");
  });

  test("[CLIENT-29] at the address of a room, that its code could not be had is told, and a room is entered when it can", {
    timeout: 120_000,
  }, async () => {
    let mayServe = false;
    await using all = await startAll((path) => mayServe || path !== "rooms/rooms.js");
    await using browser = openPage();
    await all.open(browser, "/room/lab");
    await browser.evaluate(`(() => {
      globalThis.told = [];
      client.on("join_room", ({ room_id: id }) => told.push(id));
      return client.connect();
    })()`);
    await expect.poll(() => browser.evaluate("faults"), DEADLINE).toEqual(["not_loaded"]);
    expect(await browser.evaluate("told")).toEqual(["lab"]);
    mayServe = true;
    expect(await browser.evaluate(`client.joinRoom("lab").then(({ id }) => id)`)).toBe("lab");
    await browser.evaluate(`client.sendToRoom("lab", "here").then(() => undefined)`);
  });

  test("[CLIENT-29] components that show a room have its code loaded again where it could not be had [CLIENT-REACT-4]", {
    timeout: 120_000,
  }, async () => {
    let mayServe = false;
    await using all = await startAll((path) => mayServe || path !== "rooms/rooms.js");
    await using browser = openPage();
    await all.open(browser);
    await browser.evaluate(`(async () => {
      await client.connect();
      const { membershipOf } = await import("/client/react/room-store.js");
      globalThis.membership = membershipOf(client, "lab");
      membership.retain({});
      globalThis.sent = membership.send("too early").catch(({ code }) => code);
    })()`);
    const code = "membership.getSnapshot().error?.code";
    await expect.poll(() => browser.evaluate(code), DEADLINE).toBe("not_loaded");
    expect(await browser.evaluate("sent")).toBe("not_loaded");
    mayServe = true;
    const status = "membership.getSnapshot().status.kind";
    await expect.poll(() => browser.evaluate(status), DEADLINE).toBe("joined");
    expect(await browser.evaluate(`${code} ?? null`)).toBeNull();
  });

  async function startAll(mayServe: (path: string) => boolean) {
    const page = await servePage({ mayServe });
    const server = await startServer({ settings: { ...QUIET, allowedOrigins: [page.origin] } });
    await makeRoom(server, "lab");
    return {
      async open(browser: ReturnType<typeof openPage>, path = "/query") {
        await browser.open(page.origin);
        await browser.evaluate(`(() => {
          globalThis.faults = [];
          globalThis.client = new library.SPARQLWebSocketClient("${server.ws.replace("/query", path)}", {
            userId: "ada", autoConnect: false,
          });
          client.on("fault", ({ code }) => faults.push(code));
        })()`);
      },
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await page[Symbol.asyncDispose]();
      },
    };
  }
});
