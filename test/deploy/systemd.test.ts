import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../packages/server/src/testing/temporary-folder.js";
import { describeWithPackage } from "../interop/debian-package.js";

const UNIT = "docs/guides/deploy/sparql-live.service";
const isInstalled = spawnSync("systemd-analyze", ["--version"]).status === 0;

describeWithPackage("systemd", isInstalled, "the systemd unit of the guide", () => {
  test("it is one that systemd takes", async () => {
    await using folder = await temporaryFolder();
    const copy = folder.path("sparql-live.service");
    await writeFile(copy, await readFile(UNIT, "utf8"));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", copy], {
      encoding: "utf8",
    });
    expect([status, stderr.split("\n").filter((line) => line.includes("sparql-live.service"))]).toEqual([
      0,
      [],
    ]);
  });
});
