import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPackage } from "../interop/debian-package.js";

const BENCH = fileURLToPath(new URL("../../bench/run.mjs", import.meta.url));
const installed = spawnSync("cc", ["--version"]).error === undefined;
const SMALL = ["--connections", "20", "--rounds", "1", "--seconds", "1"];
const DEADLINE_MS = 120_000;

function fanout(...args: readonly string[]) {
  return spawnSync(process.execPath, ["--expose-gc", BENCH, "fanout", ...SMALL, ...args], {
    encoding: "utf8",
    timeout: DEADLINE_MS,
  });
}

describeWithPackage("gcc", installed, "the fan-out benchmark", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-fanout-"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test(
    "every metric of every server that was asked for is in the table and in the JSON",
    async () => {
      const path = join(folder, "fanout.json");
      const { status, stdout, stderr } = fanout("--servers", "ws,floor", "--json", path);
      expect(status, stderr).toBe(0);
      const { title, figures } = JSON.parse(await readFile(path, "utf8"));
      expect(title).toContain("a room of 20");
      expect(stdout).toContain(title);
      expect(figures).toHaveLength(16);
      for (const { name, samples, median } of figures) {
        expect(stdout).toContain(name);
        expect(samples).toEqual([median]);
      }
      const rates = figures.filter(({ unit }: { unit: string }) => unit === "1/s");
      expect(rates.map(({ name }: { name: string }) => name.split(" · ")[1])).toEqual([
        "ws, send(string) to each",
        "floor: one write(2) per socket, C",
      ]);
      for (const { median } of rates) expect(median).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );

  test("a server that is not known is refused with the names of those that are", () => {
    const { status, stderr } = fanout("--servers", "ws,nobody");
    expect(status).toBe(1);
    expect(stderr).toContain("--servers has nobody; allowed: ours, ours-file, ws, ");
  });
});
