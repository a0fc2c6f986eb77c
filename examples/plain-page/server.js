/**
 * A page of plain HTML and JavaScript, beside the graph that it asks. The browser loads the client library as it was
 * built: the page's import map says where.
 *
 *     npm ci && npm run build
 *     node examples/plain-page/server.js              asks the demonstration graph
 *     node examples/plain-page/server.js data.ttl     asks another one
 *
 * Then open http://127.0.0.1:3000/?user=ada and ?user=bob beside each other. Ctrl-C ends it.
 */
import { readFile } from "node:fs/promises";
import { createEngine, demonstrationEntry } from "@sparql-live/engine";
import Fastify from "fastify";
import { sparqlLive } from "sparql-live";

const data = process.argv.slice(2);
const engine = createEngine({
  entries: [data.length === 0 ? demonstrationEntry() : { id: "local", title: "Data", data }],
});
await engine.ready();

const app = Fastify();
await app.register(sparqlLive, { prefix: "/graph", engine });

const HERE = new URL(".", import.meta.url);
const LIBRARY = new URL(".", import.meta.resolve("@sparql-live/client"));
app.get("/", async (_request, reply) =>
  reply.type("text/html").send(await readFile(new URL("index.html", HERE))),
);
app.get("/page.js", async (_request, reply) => script(reply, new URL("page.js", HERE)));
app.get("/client/*", async (request, reply) => {
  const { "*": path } = /** @type {{ "*": string }} */ (request.params);
  const file = new URL(path, LIBRARY);
  if (!file.href.startsWith(LIBRARY.href) || !path.endsWith(".js")) return reply.callNotFound();
  return script(reply, file);
});

/** @param {import("fastify").FastifyReply} reply @param {URL} file */
async function script(reply, file) {
  const text = await readFile(file).catch(() => null);
  return text === null ? reply.callNotFound() : reply.type("text/javascript").send(text);
}

process.once("SIGINT", async () => {
  await app.close();
  await engine.close();
});

const url = await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });
console.log(`The page is at ${url}/?user=ada`);
