import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EndpointEntry, HealthState } from "../endpoint.js";
import { createNetworkGuard } from "../network/guard.js";
import { failureOf } from "./embedded/testing/queries.js";
import { openEndpoint } from "./open-endpoint.js";
import { createEndpointRegistry } from "./registry.js";

const NEVER = new AbortController().signal;

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-"));
  file = join(folder, "data.ttl");
  await writeFile(file, "<http://e/a> a <http://e/Thing> .");
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function createRegistry() {
  return createEndpointRegistry({
    open: (entry, onHealth) =>
      openEndpoint(entry, {
        cacheFolder: null,
        workers: 1,
        spareWorkers: 0,
        onHealth,
        onTrouble: () => undefined,
        guard: createNetworkGuard(),
        isTrusted: true,
      }),
  });
}

function remote(id: string, changes: Partial<EndpointEntry> = {}): EndpointEntry {
  // Port 9 of loopback (discard) has no server: whoever asks is refused at once.
  return { id, title: id, url: "http://127.0.0.1:9/sparql", probe: false, ...changes };
}

test("endpoints are listed in the order in which they were added, and found by id", async () => {
  await using registry = createRegistry();
  const added = ["b", "a", "__proto__"].map((id) => registry.add(remote(id)));
  expect(registry.list()).toEqual(added);
  expect(registry.get("__proto__")).toBe(added[2]);
  expect(registry.get("toString")).toBeUndefined();
});

test("an id that is taken is refused, and the first endpoint stays", async () => {
  await using registry = createRegistry();
  const first = registry.add(remote("a"));
  expect(() => registry.add(remote("a", { title: "other" }))).toThrow(
    expect.objectContaining({ code: "bad_request", message: expect.stringContaining('"a"') }),
  );
  expect(registry.list()).toEqual([first]);
});

test("an entry that is not valid is refused and leaves nothing behind", async () => {
  await using registry = createRegistry();
  expect(() => registry.add(remote("not an id"))).toThrow(expect.objectContaining({ code: "bad_request" }));
  expect(registry.list()).toEqual([]);
});

test("a dataset is found by the IRIs of an entry, and an id goes before them", async () => {
  await using registry = createRegistry();
  const one = registry.add(remote("one", { datasets: ["https://d.test/1", "two"] }));
  const two = registry.add(remote("two"));
  expect(registry.findByDataset("https://d.test/1")).toBe(one);
  expect(registry.findByDataset("two")).toBe(two);
  expect(registry.findByDataset("https://d.test/2")).toBeUndefined();
});

test("a removed endpoint is closed, its id is free again, and removing it twice says so", async () => {
  await using registry = createRegistry();
  const endpoint = registry.add({ id: "a", title: "A", data: [file] });
  await endpoint.ready();
  expect(await registry.remove("a")).toBe(true);
  expect(registry.get("a")).toBeUndefined();
  expect(await failureOf(endpoint.profile(NEVER))).toBeDefined();
  expect(await registry.remove("a")).toBe(false);
  expect(registry.add(remote("a")).kind).toBe("remote");
});

test("listeners are told of each change of health with its endpoint, until they stop listening", async () => {
  await using registry = createRegistry();
  const heard: (readonly [string, HealthState])[] = [];
  const stopped: HealthState[] = [];
  registry.onHealthChange((endpoint, health) => heard.push([endpoint.entry.id, health.state]));
  const stop = registry.onHealthChange((_, health) => stopped.push(health.state));

  await registry.add({ id: "near", title: "Near", data: [file] }).ready();
  expect(heard.at(-1)).toEqual(["near", "healthy"]);
  expect(stopped.at(-1)).toBe("healthy");

  stop();
  const before = stopped.length;
  const far = registry.add(remote("far"));
  expect((await far.check(NEVER)).state).toBe("unreachable");
  expect(heard.at(-1)).toEqual(["far", "unreachable"]);
  expect(stopped).toHaveLength(before);
  const count = heard.length;
  await far.check(NEVER);
  expect(heard).toHaveLength(count);
});

test("the end of the registry closes every endpoint", async () => {
  const registry = createRegistry();
  const endpoint = registry.add({ id: "a", title: "A", data: [file] });
  await endpoint.ready();
  await registry[Symbol.asyncDispose]();
  expect(registry.list()).toEqual([]);
  expect(await failureOf(endpoint.profile(NEVER))).toBeDefined();
});
