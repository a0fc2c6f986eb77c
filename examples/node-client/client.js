/**
 * A program that talks to a server: it asks a question, reads the rows of a query one after the other, and says in a room
 * what it found.
 *
 *     npm ci && npm start                                   in one terminal
 *     node examples/node-client/client.js                   in another
 *     node examples/node-client/client.js ws://… "List all cities"
 */
import { SPARQLWebSocketClient } from "@sparql-live/client";
import { rowValues } from "@sparql-live/client/terms";

const [, , url = "ws://127.0.0.1:8000/api/ws/room/lab", question = "List all diseases"] = process.argv;

// The address of a room joins it, and makes it where it is missing.
const client = new SPARQLWebSocketClient(url, { userId: "example", reconnectAttempts: 5 });
client.on("state", ({ kind }) => console.error(`(${kind})`));

try {
  const result = await client.sendQuery(question, {
    onProgress: ({ stage, message }) => console.error(`${stage}: ${message}`),
    signal: AbortSignal.timeout(60_000),
  });
  console.log(`${result.row_count} rows answer "${question}":`);
  console.log(result.query);

  let count = 0;
  for await (const row of client.query({ sparql: "SELECT * { ?s ?p ?o }" }, { mapRow: rowValues })) {
    console.log(Object.values(row).join(" "));
    // Leaving the loop cancels the query.
    if (++count === 3) break;
  }

  const room = await client.joinRoom("lab");
  const { place } = await room.send({ question, rows: result.row_count });
  const { memberCount } = room.view.getSnapshot();
  console.log(`Said so in the room, as number ${place.seq}; ${memberCount} there.`);
} finally {
  client.disconnect();
}
