/**
 * A knowledge graph inside a Fastify application: its own routes stay as they are, everything of sparql-live is under
 * /graph, and both use the same engine.
 *
 *     npm ci && npm run build
 *     node examples/embed-in-fastify/server.js
 *
 * Then try:
 *
 *     http://127.0.0.1:3000/graph/          and ask: Which books were written by Mary Shelley?
 *     curl http://127.0.0.1:3000/books      a route of this application, answered by the graph
 *     curl -X POST 'http://127.0.0.1:3000/announce?text=Tea+is+ready'
 *
 * Ctrl-C ends it.
 */
import { fileURLToPath } from "node:url";
import { createEngine } from "@sparql-live/engine";
import Fastify from "fastify";
import { sparqlLive, WebSocketManager } from "sparql-live";

const engine = createEngine({
  entries: [{ id: "local", title: "Books", data: [fileURLToPath(new URL("books.ttl", import.meta.url))] }],
});
await engine.ready();

const app = Fastify();

app.get("/", async () => "The application itself. The graph is at /graph/");

const BOOKS = `
  PREFIX : <http://example.org/books/>
  PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
  SELECT ?title ?author { ?book :writtenBy/rdfs:label ?author ; rdfs:label ?title } ORDER BY ?title`;

app.get("/books", async (request) => {
  const books = [];
  // The rows come while the engine still works; a client that hangs up ends it.
  for await (const event of engine.answer({ sparql: BOOKS }, request.signal)) {
    if (event.kind !== "rows") continue;
    for (const { title, author } of event.rows) books.push(`${title?.value}, by ${author?.value}`);
  }
  return books;
});

await app.register(sparqlLive, {
  prefix: "/graph",
  engine,
  onLive(live) {
    const manager = WebSocketManager.over(live);
    app.post("/announce", async (request) => {
      const { text = "" } = /** @type {{ text?: string }} */ (request.query);
      const told = await manager.broadcast("system_message", { message: text, level: "info" });
      return { told };
    });
  },
});

// Closing the application closes what was mounted; the engine is ours.
process.once("SIGINT", async () => {
  await app.close();
  await engine.close();
});

const url = await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });
console.log(`The application is at ${url}, the graph at ${url}/graph/`);
