import { parentPort, workerData } from "node:worker_threads";
import { Store } from "oxigraph";
import type { PreparedQuery } from "../../executor.js";
import { EngineFailure, toEngineFailure } from "../../failure.js";
import { forbidNetwork } from "../../network/no-network.js";
import { openCursor } from "./cursor.js";
import { loadData } from "./loader.js";
import { type FromWorker, type Reply, type ToWorker, toRecord, type WorkerInput } from "./messages.js";

const PROGRESS_INTERVAL_MS = 100;

/** WebAssembly code is compiled at its first use: this uses most of what queries need. */
const WARM_UP: PreparedQuery = {
  text: `SELECT ?s ?o (STR(?o) AS ?text) {
    ?s ?p ?o . OPTIONAL { ?s ?q ?o . ?o ?r ?t } FILTER (?p != ?s && REGEX(STR(?p), ".", "i"))
  } LIMIT 1`,
  form: "select",
  variables: null,
  windowable: false,
};

/** One store in one thread: loads its data, then answers one query at a time, step by step as it is asked. */
async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("This module runs in a worker thread only.");
  const send = (message: FromWorker) => port.postMessage(message);
  const store = new Store();
  const { sources } = workerData as WorkerInput;
  let reportedAt = Number.NEGATIVE_INFINITY;
  try {
    const triples = await loadData(store, sources, (progress) => {
      if (performance.now() - reportedAt < PROGRESS_INTERVAL_MS) return;
      reportedAt = performance.now();
      send({ kind: "loading", progress });
    });
    openCursor(store, WARM_UP, 1).next();
    send({ kind: "loaded", triples });
  } catch (error) {
    send({ kind: "load_failed", failure: toRecord(toEngineFailure(error)) });
    return;
  }

  let cursor: Generator<Reply, void, undefined> | null = null;
  port.on("message", (message: ToWorker) => {
    if (message.kind === "drop") {
      cursor = null;
      return;
    }
    if (message.kind === "open") cursor = openCursor(store, message.query, message.maxRows);
    send(step(cursor));
  });
}

/** Faults of the store itself are thrown on: they end the thread, because the store is broken. */
function step(cursor: Generator<Reply, void, undefined> | null): Reply {
  try {
    const next = cursor?.next();
    if (next === undefined || next.done === true)
      throw new Error("A worker was asked for rows after the last.");
    return next.value;
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    return { kind: "failed", failure: toRecord(error) };
  }
}

forbidNetwork();
await serve();
