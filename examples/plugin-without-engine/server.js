/**
 * Rooms in a Fastify application that has no knowledge graph: the plugin without an engine. A build server reports by
 * HTTP, and whoever is in the project's room sees it; the reports stay in the room's log for those who come later.
 *
 *     npm ci && npm run build
 *     node examples/plugin-without-engine/server.js
 *
 * Then open http://127.0.0.1:3000/ and, in the console of that page, join a room:
 *
 *     socket = new WebSocket("ws://127.0.0.1:3000/live/api/ws/room/website?user_id=ada");
 *     socket.onmessage = ({ data }) => console.log(data);
 *     socket.send('{"type":"room_message","message_id":"1","payload":{"room_id":"website","message":"Hi"}}');
 *
 * and report a build:
 *
 *     curl 'http://127.0.0.1:3000/builds/website' -H 'content-type: application/json' -d '{"status":"passed"}'
 *
 * Ctrl-C ends it.
 */
import Fastify from "fastify";
import { ProtocolFailure, sparqlLive, WebSocketManager } from "sparql-live";

const app = Fastify();

app.get("/", async () => "Builds are reported to /builds/{project}, and told in the room of the project.");

await app.register(sparqlLive, {
  prefix: "/live",
  onLive: (live) => mountReports(WebSocketManager.over(live)),
});

// Closing the application closes what was mounted.
process.once("SIGINT", () => app.close());

const url = await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });
console.log(`The application is at ${url}, the live part under ${url}/live/api/ws/`);

/** @param {WebSocketManager} manager */
function mountReports(manager) {
  app.post("/builds/:project", async (request, reply) => {
    const { project } = /** @type {{ project: string }} */ (request.params);
    try {
      // When it settles the report is stored, so that the build server may forget it.
      const reached = await manager.sendToRoom(
        project,
        "room_message",
        { message: request.body },
        { author: { userId: "builds", userName: "Build server" } },
      );
      return { reached };
    } catch (error) {
      if (error instanceof ProtocolFailure && error.code === "room_not_found") return reply.code(404).send();
      throw error;
    }
  });
}
