import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildAll } from "./build.js";

const MAPPING = JSON.stringify({
  tables: [
    { file: "a.tsv", subject: "http://example.org/{id}", columns: { name: { predicate: "rdfs:label" } } },
  ],
});

describe("buildAll", () => {
  let folder = "";
  const table = (): string => join(folder, "data", "small", "a.tsv");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "graphs-"));
    mkdirSync(join(folder, "data", "small"), { recursive: true });
    mkdirSync(join(folder, "data", "no-graph"));
    writeFileSync(join(folder, "data", "small", "mapping.json"), MAPPING);
    writeFileSync(join(folder, "data", "small", "examples.ttl"), "# examples\n");
    writeFileSync(table(), "id\tname\na\tA\n");
    // Clocks of file systems are coarse: what is built at once could be as old as what it is made of.
    const before = new Date(Date.now() - 10_000);
    const small = join(folder, "data", "small");
    for (const path of [...readdirSync(small).map((name) => join(small, name)), small]) {
      utimesSync(path, before, before);
    }
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (): readonly string[] => buildAll(join(folder, "data"), join(folder, "out"));

  it("builds each folder with a mapping, once", () => {
    expect(run()).toEqual(["small: built"]);
    expect(readFileSync(join(folder, "out", "small.ttl"), "utf8")).toContain('rdfs:label "A"');
    expect(readFileSync(join(folder, "out", "small.examples.ttl"), "utf8")).toBe("# examples\n");
    expect(run()).toEqual(["small: up to date"]);
  });

  it("builds again when a table is newer", () => {
    run();
    const later = new Date(Date.now() + 10_000);
    utimesSync(table(), later, later);
    expect(run()).toEqual(["small: built"]);
  });

  it("names the graph whose table is broken, and leaves no half-built file", () => {
    writeFileSync(table(), "id\tname\na\n");
    expect(run).toThrow("graph «small»:\na.tsv:2:2: the row has 1 cells, the header 2");
    expect(() => readFileSync(join(folder, "out", "small.ttl"))).toThrow();
  });
});
