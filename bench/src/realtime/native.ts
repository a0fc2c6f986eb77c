import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../../native/", import.meta.url));
const BUILT = fileURLToPath(new URL("../native/", import.meta.url));

/** Compiles a program of `bench/native` and settles with its path. Rejects, telling what to install, where it cannot. */
export async function compileNative(name: "load" | "floor"): Promise<string> {
  await mkdir(BUILT, { recursive: true });
  const program = join(BUILT, name);
  const { error, status, stderr } = spawnSync("cc", ["-O2", "-o", program, join(SOURCES, `${name}.c`)], {
    encoding: "utf8",
  });
  if (error !== undefined) {
    throw new Error("There is no C compiler, which the load generator needs: apt-get install gcc libc6-dev.");
  }
  if (status !== 0) {
    throw new Error(
      `${name}.c could not be compiled (apt-get install gcc libc6-dev, on Linux):\n${stderr.trim()}`,
    );
  }
  return program;
}
