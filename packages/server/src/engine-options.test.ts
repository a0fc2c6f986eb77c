import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demonstrationEntry, PUBLIC_ENDPOINTS } from "@sparql-live/engine";
import { expect, test } from "vitest";
import { engineOptionsOf } from "./engine-options.js";
import { readSettings } from "./settings/read.js";
import { defaultCacheFolder } from "./user-folders.js";

const optionsOf = (flags: Readonly<Record<string, unknown>> = {}) => engineOptionsOf(readSettings({ flags }));

test("without settings the demonstration graph is asked, then the public endpoints", () => {
  const { entries, cacheFolder } = optionsOf();
  expect(entries).toEqual([demonstrationEntry(), ...PUBLIC_ENDPOINTS]);
  expect(cacheFolder).toBe(defaultCacheFolder());
});

test("every default of the settings reaches the engine", () => {
  const settings = readSettings();
  expect(optionsOf()).toMatchObject({
    workers: settings.workers,
    workerMemoryMb: settings.workerMemoryMb,
    maxQueued: settings.queueLength,
    maxRows: settings.maxRows,
    maxResultBytes: settings.maxResultBytes,
    queryTimeoutMs: settings.queryTimeoutMs,
    allowAdHocEndpoints: false,
    allowedNetworks: [],
    rewriteTypes: true,
    olsUrl: null,
  });
});

const passed: readonly (readonly [string, string | readonly string[], string, unknown])[] = [
  ["cacheDir", "/somewhere/else", "cacheFolder", "/somewhere/else"],
  ["workers", "7", "workers", 7],
  ["workerMemoryMb", "65", "workerMemoryMb", 65],
  ["queueLength", "0", "maxQueued", 0],
  ["maxRows", "17", "maxRows", 17],
  ["maxResultBytes", "2048", "maxResultBytes", 2_048],
  ["queryTimeoutMs", "123", "queryTimeoutMs", 123],
  ["adHocEndpoints", "true", "allowAdHocEndpoints", true],
  [
    "allowedNetworks",
    ["10.0.0.0/8", "sparql.internal"],
    "allowedNetworks",
    ["10.0.0.0/8", "sparql.internal"],
  ],
  ["rewriteTypes", "false", "rewriteTypes", false],
  ["ols", "https://ols.test/api", "olsUrl", "https://ols.test/api"],
  ["ols", "off", "olsUrl", null],
];
for (const [setting, text, option, value] of passed) {
  test(`${setting} ${text} reaches the engine as ${option}, and changes nothing else`, () => {
    expect(optionsOf({ [setting]: text })).toEqual({ ...optionsOf(), [option]: value });
  });
}

test("data of one's own takes the place of the demonstration graph", () => {
  const [local] = optionsOf({ data: ["/data/rivers.ttl", "/data/lakes"] }).entries;
  expect(local).toEqual({
    id: "local",
    title: "rivers.ttl, lakes",
    data: ["/data/rivers.ttl", "/data/lakes"],
  });
});

test("dataset IRIs belong to the local endpoint, whatever its data is", () => {
  const dataset = ["https://d.test/1", "https://d.test/2"];
  expect(optionsOf({ dataset }).entries[0]).toEqual({ ...demonstrationEntry(), datasets: dataset });
  expect(optionsOf({ dataset, data: ["a.ttl"] }).entries[0]).toMatchObject({
    data: ["a.ttl"],
    datasets: dataset,
  });
});

test("further endpoints come between the local and the public ones, and may take a public one's id", () => {
  const { entries } = optionsOf({
    endpoint: [
      "https://x.test:81/sparql",
      "mine=https://y.test/q?a=b",
      "wikidata=https://mirror.test/sparql",
    ],
  });
  expect(entries.slice(1, 4)).toEqual([
    { id: "x-test-81", title: "x-test-81", url: "https://x.test:81/sparql" },
    { id: "mine", title: "mine", url: "https://y.test/q?a=b" },
    { id: "wikidata", title: "wikidata", url: "https://mirror.test/sparql" },
  ]);
  expect(entries.filter(({ id }) => id === "wikidata")).toHaveLength(1);
  expect(entries).toHaveLength(1 + 3 + PUBLIC_ENDPOINTS.length - 1);
});

test("an entry of the configuration file is handed over whole", () => {
  const folder = mkdtempSync(join(tmpdir(), "engine-options-"));
  try {
    const entry = {
      id: "house",
      title: "House",
      description: "Our own.",
      url: "https://house.test/sparql",
      prefixes: { h: "https://house.test/" },
      datasets: ["https://house.test/dataset"],
      headers: { Authorization: "Basic eDp5" },
      timeoutMs: 5_000,
      probe: false,
      probeIntervalMs: 9_000,
    };
    const files = { id: "files", title: "Files", data: ["a.ttl"], examples: ["b.ttl"] };
    const configFile = join(folder, "config.json");
    writeFileSync(configFile, JSON.stringify({ endpoint: [entry, files] }));
    expect(engineOptionsOf(readSettings({ configFile })).entries.slice(1, 3)).toEqual([
      entry,
      { ...files, data: [join(folder, "a.ttl")], examples: [join(folder, "b.ttl")] },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
