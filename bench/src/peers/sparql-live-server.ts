/**
 * The whole product with nothing to query: `sparql-live-server.js STORE`, where the store is `memory` or a file.
 * The bounds that would refuse a load from one address are lifted; every check of what comes in stays.
 */
import { createMemoryStorage, createServer, openFileStorage, readSettings } from "sparql-live";
import { serveBenchmark } from "./process.js";

const [store = "memory"] = process.argv.slice(2);
const settings = readSettings({
  flags: {
    port: "0",
    logLevel: "silent",
    rateLimitPerMinute: "0",
    maxConnectionsPerAddress: "100000",
    maxConnectionsPerUser: "100000",
    maxMembersPerRoom: "20000",
  },
});
const storage = store === "memory" ? createMemoryStorage() : await openFileStorage(store);
const server = await createServer(settings, { engine: null, storage });
serveBenchmark(Number(new URL(await server.listen()).port));
