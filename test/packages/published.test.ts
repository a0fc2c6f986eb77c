import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = ["protocol", "client"] as const;
const MANIFEST = "./package.json";
const PROMISED = ["LICENSE", "README.md", "package.json"];
/** There is no CommonJS of it, and what resolves nothing but that knows no export maps. */
const ESM_ALONE: ReadonlySet<string> = new Set(["node10", "node16-cjs"]);

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A project in which the packages lie as they are published, beside what they say that they need, and nothing else. */
interface Project {
  readonly folder: string;
  readonly tarballs: ReadonlyMap<string, string>;
  readonly manifests: readonly Manifest[];
}

async function installed(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "published-"));
  const tarballs = new Map<string, string>();
  const manifests: Manifest[] = [];
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const name of PACKAGES) {
    const packed = await run(
      "npm",
      ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", folder],
      { cwd: join(ROOT, "packages", name) },
    );
    // What `npm pack --json` writes.
    const [{ filename }] = JSON.parse(packed.stdout) as [{ readonly filename: string }];
    const place = join(folder, "node_modules", "@sparql-live", name);
    await mkdir(place, { recursive: true });
    await run("tar", ["-xzf", join(folder, filename), "-C", place, "--strip-components=1"]);
    const manifest = JSON.parse(await readFile(join(place, "package.json"), "utf8")) as Manifest;
    tarballs.set(name, join(folder, filename));
    manifests.push(manifest);
    await linkNeeds(folder, manifest);
  }
  return { folder, tarballs, manifests };
}

async function linkNeeds(folder: string, { dependencies, peerDependencies }: Manifest): Promise<void> {
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (name.startsWith("@sparql-live/")) continue;
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), link, "dir");
  }
}

describe("the packages as they are published", () => {
  let project: Project;
  beforeAll(async () => {
    project = await installed();
  }, 120_000);
  afterAll(() => rm(project.folder, { recursive: true, force: true }));

  test("every subpath can be imported, with nothing there but what the package says that it needs", async () => {
    const subpaths = project.manifests.flatMap(({ name, exports }) =>
      Object.keys(exports).flatMap((subpath) => (subpath === MANIFEST ? [] : [join(name, subpath)])),
    );
    expect(subpaths).toEqual(
      expect.arrayContaining(["@sparql-live/client/admin", "@sparql-live/client/yjs"]),
    );
    const program = `
      const told = {};
      for (const name of ${JSON.stringify(subpaths)}) told[name] = Object.keys(await import(name)).length;
      console.log(JSON.stringify(told));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: project.folder,
    });
    const told: Readonly<Record<string, number>> = JSON.parse(stdout);
    expect(Object.keys(told)).toEqual(subpaths);
    expect(Object.entries(told).filter(([, count]) => count === 0)).toEqual([]);
  }, 60_000);

  test("each tells what it is and under which licence, and its source maps hold the sources", async () => {
    for (const { name } of project.manifests) {
      const folder = join(project.folder, "node_modules", name);
      const files = await readdir(folder, { recursive: true });
      expect(files).toEqual(expect.arrayContaining(PROMISED));
      const maps = files.filter((file) => file.endsWith(".map"));
      expect(maps.length).toBeGreaterThan(4);
      for (const file of maps) {
        const map = JSON.parse(await readFile(join(folder, file), "utf8"));
        expect(map.sourcesContent, file).toHaveLength(map.sources.length);
      }
    }
  });

  test("[CLIENT-1] where there is no WebSocket and no `ws`, the error says what to do", async () => {
    await rename(join(project.folder, "node_modules", "ws"), join(project.folder, "ws"));
    const program = `
      delete globalThis.WebSocket;
      const { SPARQLWebSocketClient } = await import("@sparql-live/client");
      const client = new SPARQLWebSocketClient("ws://127.0.0.1:9/api/ws/query");
      await client.connect().catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: project.folder,
    });
    await rename(join(project.folder, "ws"), join(project.folder, "node_modules", "ws"));
    expect(stdout).toContain("connection_closed");
    expect(stdout).toContain("install `ws`, or pass one as the option `WebSocket`");
  }, 60_000);

  test("[CLIENT-REACT-8] what needs React is marked for builds with server components", async () => {
    const marked = [];
    for (const { name, exports } of project.manifests) {
      for (const [subpath, file] of Object.entries(exports)) {
        const source = await readFile(join(project.folder, "node_modules", name, file), "utf8");
        if (/^"use client";\n/.test(source)) marked.push(subpath);
      }
    }
    expect(marked).toEqual(["./react", "./react-yjs"]);
  });

  test("publint finds nothing", async () => {
    for (const name of PACKAGES) {
      const { messages } = await publint({ pkgDir: join(ROOT, "packages", name), strict: true, pack: "npm" });
      expect(messages).toEqual([]);
    }
  }, 120_000);

  test("types are found for every subpath, and are those of what is loaded", async () => {
    for (const [name, tarball] of project.tarballs) {
      const checked = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
      if (checked.types === false) expect.unreachable(`${name} has no types`);
      const found = checked.problems.filter(
        (problem) => !("resolutionKind" in problem && ESM_ALONE.has(problem.resolutionKind)),
      );
      expect(found).toEqual([]);
      expect(Object.keys(checked.entrypoints).length).toBeGreaterThan(4);
    }
  }, 120_000);
});
