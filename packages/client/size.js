import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const LIMIT_BYTES = 12 * 1024;
const client = fileURLToPath(new URL("dist/client.js", import.meta.url));
const PAGE = "page.js";

// A page that makes a client, which brings the codec for JSON. What is loaded when it is needed lies in files of its
// own; what the page's own file imports comes with it.
const bundle = await rolldown({
  input: PAGE,
  platform: "browser",
  preserveEntrySignatures: false,
  plugins: [
    {
      name: "page",
      resolveId: (id) => (id === PAGE ? id : null),
      load: (id) =>
        id === PAGE
          ? `import { SPARQLWebSocketClient } from ${JSON.stringify(client)};
             globalThis.client = new SPARQLWebSocketClient("/api/ws/query");`
          : null,
    },
  ],
});
const { output } = await bundle.generate({ format: "es", minify: true });
const chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file]] : [])));
const needed = new Set([...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
for (const name of needed) for (const imported of chunks.get(name)?.imports ?? []) needed.add(imported);
const foreign = [...needed].filter((name) => !chunks.has(name));
const sizeOf = (name) => gzipSync(chunks.get(name)?.code ?? "", { level: 9 }).byteLength;
const bytes = [...needed].reduce((sum, name) => sum + sizeOf(name), 0);
const later = [...chunks.keys()].filter((name) => !needed.has(name));
process.stdout.write(
  `client core: ${bytes} bytes gzipped (at most ${LIMIT_BYTES}) in ${needed.size} file(s); ` +
    `when needed: ${later.map((name) => `${name} ${sizeOf(name)}`).join(", ")}\n`,
);
if (bytes > LIMIT_BYTES || foreign.length > 0) {
  process.stderr.write(`The core of the client is too large, or imports other packages: ${foreign}\n`);
  process.exitCode = 1;
}
