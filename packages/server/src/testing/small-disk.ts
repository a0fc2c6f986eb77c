import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";

export interface SmallDisk extends Disposable {
  readonly folder: string;
}

/** A disk of so many bytes in memory, on Linux and for root; throws where it cannot be mounted. */
function mountSmallDisk(bytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    folder,
    [Symbol.dispose]() {
      execFileSync("umount", [folder], { stdio: "pipe" });
      rmdirSync(folder);
    },
  };
}

function canMount(): boolean {
  try {
    mountSmallDisk(1024 * 1024)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/**
 * A test with a disk of 1 MiB. Where none can be mounted the report says so; with `CI=true` that is a failure, so
 * that a build server never passes by leaving out what it should prove.
 */
export function testWithSmallDisk(title: string, body: (disk: SmallDisk) => Promise<void>): void {
  const run = async () => {
    using disk = mountSmallDisk(1024 * 1024);
    await body(disk);
  };
  if (process.env.CI === "true" || canMount()) test(title, run);
  else test.skip(`${title} – skipped: mounting a disk of 1 MiB wants root on Linux`, () => undefined);
}
