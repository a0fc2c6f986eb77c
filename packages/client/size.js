import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const LIMIT_BYTES = 12 * 1024;
const entry = fileURLToPath(new URL("dist/index.js", import.meta.url));

// The core as a page gets it, with the codec for JSON. What is loaded when it is needed lies in files of its own.
const bundle = await rolldown({ input: entry, platform: "browser" });
const { output } = await bundle.generate({ format: "es", minify: true });
const core = output.find((file) => file.type === "chunk" && file.isEntry);
const loaded = output.flatMap((file) => (file.type === "chunk" && file.isDynamicEntry ? [file.name] : []));
const own = new Set(output.map(({ fileName }) => fileName));
const foreign = core.imports.filter((name) => !own.has(name));
const bytes = gzipSync(core.code, { level: 9 }).byteLength;
process.stdout.write(
  `client core: ${bytes} bytes gzipped (at most ${LIMIT_BYTES}); when needed: ${loaded}\n`,
);
if (bytes > LIMIT_BYTES || foreign.length > 0) {
  process.stderr.write(`The core of the client is too large, or imports other packages: ${foreign}\n`);
  process.exitCode = 1;
}
