import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

/** Every module that comes with an entry of the client, and every package that it leaves to be found. */
async function partsOf(entry: string): Promise<{ modules: readonly string[]; imports: readonly string[] }> {
  const input = fileURLToPath(new URL(`../../packages/client/dist/${entry}`, import.meta.url));
  const program = await rolldown({
    input,
    platform: "browser",
    external: /^react(\/|$)/,
    logLevel: "silent",
  });
  const { output } = await program.generate({ format: "es" });
  const chunks = output.filter((file) => file.type === "chunk");
  return {
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    imports: chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]),
  };
}

test("the core brings no module of the hooks and no React with it; the hooks bring both", async () => {
  const core = await partsOf("index.js");
  expect(core.modules.some((name) => name.endsWith("/dist/client.js"))).toBe(true);
  expect([...core.modules, ...core.imports].filter((name) => /[/]react[/.]|^react/.test(name))).toEqual([]);
  const hooks = await partsOf("react/index.js");
  expect(hooks.imports).toContain("react");
  expect(hooks.modules.some((name) => name.endsWith("/react/use-web-socket.js"))).toBe(true);
});
