/**
 * The real-time part alone, in a plain Node HTTP server: no engine, no framework. People vote in a room, everybody
 * there sees the tally at once, and whoever is away gets notifications on return.
 *
 *     npm ci && npm run build
 *     node examples/realtime-only/server.js
 *
 * Then try:
 *
 *     http://127.0.0.1:3000/?user=ada       in two windows, and vote in one of them
 *     curl -X POST 'http://127.0.0.1:3000/notify?user=bob&text=It+is+your+turn'
 *     http://127.0.0.1:3000/?user=bob       who was away, and is told now
 *
 * Ctrl-C ends it.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { defineMessage, WebSocketManager } from "sparql-live";
import Type from "typebox";

// Two message types of our own. A vote for anything else is refused before it reaches the handler.
const Vote = defineMessage(
  "poll.vote",
  Type.Object({ drink: Type.Union([Type.Literal("tea"), Type.Literal("coffee")]) }),
);
const Tally = defineMessage("poll.tally", Type.Object({ tea: Type.Integer(), coffee: Type.Integer() }));

const manager = new WebSocketManager({ makeRooms: false, refuseForeignUpgrades: true });

const votes = new Map();

function tally() {
  const drinks = [...votes.values()];
  return {
    tea: drinks.filter((drink) => drink === "tea").length,
    coffee: drinks.filter((drink) => drink === "coffee").length,
  };
}

manager.registerHandler(Vote, async ({ payload }, { user }) => {
  votes.set(user.id, payload.drink);
  await manager.sendToRoom("poll", Tally, tally());
});

// A second handler beside the server's own: who comes in is shown how it stands.
manager.registerHandler("join_room", (_message, connection) => connection.send(Tally, tally()));

const page = await readFile(new URL("page.html", import.meta.url));

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (request.method === "POST" && url.pathname === "/notify") {
    const { user = "", text = "" } = Object.fromEntries(url.searchParams);
    // Settles once it is queued: nobody there is no failure.
    const reached = await manager.sendToUser(user, "notification", { message: text });
    response.end(reached === 0 ? `${user} is away and gets it on return\n` : `${user} has it\n`);
    return;
  }
  if (url.pathname !== "/") response.statusCode = 404;
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(url.pathname === "/" ? page : "There is nothing here.");
});

await manager.start();
await manager.createRoom({ id: "poll", name: "Tea or coffee?" });
manager.attach(server);

process.once("SIGINT", async () => {
  await manager.shutdown();
  server.close();
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? address?.port : address;
console.log(`Vote at http://127.0.0.1:${port}/?user=ada`);
