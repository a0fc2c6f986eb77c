import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineFailure } from "../failure.js";
import type { SchemaProfile } from "../profile.js";
import { libraryGraph } from "../testing/graphs.js";
import { createMemoryExecutor } from "../testing/memory-executor.js";
import { createProfileCache } from "./profile-cache.js";
import { makeProfile } from "./profile-maker.js";
import { profileOf } from "./profile-of.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "profile-cache-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const executor = createMemoryExecutor(libraryGraph());
const made = makeProfile({
  endpointId: "lib",
  executor,
  prefixes: {},
  fingerprint: "one",
  budgetMs: 60_000,
  signal,
});
const profileFile = async () =>
  join(folder, (await readdir(folder)).find((name) => name.endsWith(".profile.json")) ?? "");

test("a saved profile comes back whole, for its endpoint and fingerprint only", async () => {
  const cache = createProfileCache(folder);
  const profile = await made;
  expect(await cache.load("lib", "one")).toBeNull();
  await cache.save(profile);
  expect(await cache.load("lib", "one")).toEqual(profile);
  expect(await cache.load("lib", "two")).toBeNull();
  expect(await cache.load("other", "one")).toBeNull();
  expect(await cache.loadAny("lib")).toEqual(profile);
  expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a file that is cut, changed, empty or of another version is not found, and is replaced by the next save", async () => {
  const cache = createProfileCache(folder);
  const profile = await made;
  await cache.save(profile);
  const file = await profileFile();
  const whole = await readFile(file, "utf8");
  for (const damaged of [
    "",
    "{",
    whole.slice(0, -20),
    whole.replace('"count":30', '"count":31'),
    whole.replace(/^1 /, "2 "),
  ]) {
    await writeFile(file, damaged);
    expect(await cache.load("lib", "one")).toBeNull();
  }
  await cache.save({ ...profile, version: 99 as 1 });
  expect(await cache.load("lib", "one")).toBeNull();
  await cache.save(profile);
  expect(await cache.load("lib", "one")).toEqual(profile);
});

test("the folder keeps to its bound: what is longest unused goes, the newest stays", async () => {
  const profile = await made;
  const bytes = JSON.stringify(profile).length;
  const cache = createProfileCache(folder, { maxTotalBytes: Math.floor(bytes * 2.5) });
  for (const endpointId of ["a", "b"]) {
    await cache.save({ ...profile, endpointId });
    await utimes(await profileFile(), 1, 1);
  }
  await cache.loadAny("a");
  await cache.loadAny("b");
  await cache.save({ ...profile, endpointId: "c" });
  expect(await readdir(folder)).toHaveLength(2);
  expect(await cache.loadAny("c")).not.toBeNull();
  const tiny = createProfileCache(folder, { maxTotalBytes: 10 });
  await tiny.save({ ...profile, endpointId: "d" });
  expect(await tiny.loadAny("d")).not.toBeNull();
  expect(await readdir(folder)).toHaveLength(1);
});

function served(overrides: Partial<Parameters<typeof profileOf>[0]> = {}) {
  const failures: EngineFailure[] = [];
  const options = {
    endpointId: "lib",
    executor: createMemoryExecutor(libraryGraph()),
    cache: createProfileCache(folder),
    prefixes: {},
    fingerprint: null,
    budgetMs: 60_000,
    signal,
    lifetime: signal,
    onFailure: (failure: EngineFailure) => failures.push(failure),
    ...overrides,
  };
  return { failures, options };
}

test("an embedded endpoint's profile is made once for one state of its data", async () => {
  const { options } = served({ fingerprint: "files-1" });
  const first = await profileOf(options);
  const asked = options.executor as ReturnType<typeof createMemoryExecutor>;
  const before = asked.asked.length;
  const second = await profileOf(options);
  expect(asked.asked.length).toBe(before);
  expect(second).toEqual({ profile: first.profile, refresh: null });
  const changed = await profileOf({ ...options, fingerprint: "files-2" });
  expect(changed.profile.fingerprint).toBe("files-2");
});

test("a remote endpoint's old profile is served at once and made again behind when the data changed", async () => {
  const { options, failures } = served();
  const { profile } = await profileOf(options);
  expect((await profileOf(options)).refresh).toBeNull();
  const old: SchemaProfile = { ...profile, madeAt: "2001-01-01T00:00:00.000Z" };
  await options.cache.save(old);
  const unchanged = await profileOf(options);
  expect(unchanged.profile.madeAt).toBe(old.madeAt);
  expect(await unchanged.refresh).toBeNull();
  expect((await options.cache.loadAny("lib"))?.madeAt).not.toBe(old.madeAt);

  await options.cache.save(old);
  const grown = createMemoryExecutor(`${libraryGraph()}\n<urn:new> a <urn:New> .`);
  const stale = await profileOf({ ...options, executor: grown });
  expect(stale.profile.classes.map(({ iri }) => iri)).not.toContain("urn:New");
  expect((await stale.refresh)?.classes.map(({ iri }) => iri)).toContain("urn:New");
  expect(failures).toEqual([]);
});

test("a refresh that fails is told, and the kept profile goes on being served", async () => {
  const { options, failures } = served();
  const { profile } = await profileOf(options);
  await options.cache.save({ ...profile, madeAt: "2001-01-01T00:00:00.000Z" });
  const down = createMemoryExecutor("");
  down.beforeEach = () => {
    throw new EngineFailure("endpoint_unavailable", "connection refused");
  };
  const kept = await profileOf({ ...options, executor: down });
  expect(kept.profile.classes).toEqual(profile.classes);
  expect(await kept.refresh).toBeNull();
  expect(failures.map(({ code }) => code)).toEqual(["endpoint_unavailable"]);
});

test("a folder that cannot be written costs no profile", async () => {
  await writeFile(join(folder, "file"), "");
  const { options, failures } = served({ cache: createProfileCache(join(folder, "file", "below")) });
  const { profile } = await profileOf(options);
  expect(profile.complete).toBe(true);
  expect(failures).toHaveLength(1);
});
