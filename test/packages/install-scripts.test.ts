import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly hasInstallScript?: boolean;
}

test("every dependency with an install script is listed with its reason, and nothing else is", async () => {
  const lock = JSON.parse(await readFile("package-lock.json", "utf8"));
  const packages: Readonly<Record<string, LockedPackage>> = lock.packages;
  const scripted = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.split("node_modules/").at(-1));
  const [, section = ""] = (await readFile("CONTRIBUTING.md", "utf8")).split("## Install scripts\n");
  const listed = [
    ...(section.split("\n## ")[0]?.matchAll(/^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm) ?? []),
  ].map(([, name]) => name);
  expect(listed.length).toBeGreaterThan(0);
  expect([...listed].sort()).toEqual([...new Set(scripted)].sort());
});
