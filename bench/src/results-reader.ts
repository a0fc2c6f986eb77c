/**
 * How fast rows come out of an answer of a remote endpoint: a SPARQL result of about 50 MB over HTTP on loopback,
 * to checked rows, beside `fetch` + `JSON.parse` of the whole text, which checks nothing and keeps everything.
 * Server and client share this process, so both pay for the server. Prints medians and ranges of five rounds.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRemoteExecutor } from "@sparql-live/engine";

const ROW_COUNT = 200_000;
const ROUNDS = 5;

function makeDocument(): Buffer {
  const bindings = Array.from({ length: ROW_COUNT }, (_, n) => ({
    protein: { type: "uri", value: `http://purl.uniprot.org/uniprot/P${n}` },
    label: { type: "literal", "xml:lang": "en", value: `Protein kinase ${n}, mitochondrial` },
    mass: { type: "literal", datatype: "http://www.w3.org/2001/XMLSchema#integer", value: String(n * 7) },
  }));
  return Buffer.from(JSON.stringify({ head: { vars: ["protein", "label", "mass"] }, results: { bindings } }));
}

async function withExecutor(url: string): Promise<number> {
  const executor = createRemoteExecutor({ url, maxUpstreamBytes: 1e9 });
  const query = { text: "SELECT *", form: "select", variables: null, windowable: false } as const;
  const { signal } = new AbortController();
  let rowCount = 0;
  for await (const event of executor.execute(query, {
    maxRows: 1e9,
    maxBytes: 1e9,
    timeoutMs: 60_000,
    signal,
  })) {
    if (event.kind === "rows") rowCount += event.rows.length;
  }
  await executor.close();
  return rowCount;
}

async function withFetch(url: string): Promise<number> {
  const response = await fetch(url);
  const { results } = JSON.parse(await response.text()) as { results: { bindings: unknown[] } };
  return results.bindings.length;
}

async function measure(bytes: number, read: () => Promise<number>): Promise<readonly number[]> {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startedAt = performance.now();
    if ((await read()) !== ROW_COUNT) throw new Error("rows are missing");
    // The first round warms up.
    if (round > 0) rates.push(bytes / 1_000 / (performance.now() - startedAt));
  }
  return rates.sort((a, b) => a - b);
}

export async function main(): Promise<void> {
  const document = makeDocument();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/sparql-results+json" });
    response.end(document);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sparql`;

  console.log(`${ROW_COUNT} rows, ${(document.length / 1e6).toFixed(1)} MB, Node ${process.version}`);
  for (const [name, read] of [
    ["createRemoteExecutor, streamed", withExecutor],
    ["fetch + JSON.parse, whole", withFetch],
  ] as const) {
    const rates = await measure(document.length, () => read(url));
    const [least, median, most] = [rates[0], rates[Math.floor(ROUNDS / 2)], rates.at(-1)];
    console.log(`${name.padEnd(32)} ${median?.toFixed(0)} MB/s (${least?.toFixed(0)}–${most?.toFixed(0)})`);
  }
  server.close();
  server.closeAllConnections();
}
