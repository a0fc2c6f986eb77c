import type { Engine } from "@sparql-live/engine";
import { pino } from "pino";
import { createServer, type Server, type ServerSettings } from "../http/server.js";
import { readSettings } from "../settings/read.js";
import type { Storage } from "../storage.js";
import { createMemoryEngine, type MemoryEngine } from "./memory-engine.js";

export const CITIES = `
@prefix ex: <http://example.org/> .
ex:bonn a ex:City ; ex:name "Bonn"@de ; ex:population 330000 .
ex:paris a ex:City ; ex:name "Paris" ; ex:population 2100000 .
ex:oslo a ex:City ; ex:name "Oslo", "=cmd()" ; ex:population 700000 .
`;

/** So many subjects with one triple each. */
export function manyTriples(count: number, valueCharacters = 10): string {
  const value = "x".repeat(valueCharacters);
  return Array.from(
    { length: count },
    (_, index) => `<http://example.org/${index}> <http://example.org/p> "${value}" .`,
  ).join("\n");
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly ws: string;
  readonly server: Server;
  /** Everything that was logged. */
  readonly logged: string[];
}

/** A server on a free port of loopback. */
export async function startServer<E extends Engine = MemoryEngine>({
  engine = createMemoryEngine(CITIES) as unknown as E,
  settings = {},
  storage,
}: {
  engine?: E;
  settings?: Partial<ServerSettings>;
  storage?: Storage;
} = {}): Promise<TestServer & { readonly engine: E }> {
  const logged: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
  const server = await createServer(
    { ...readSettings(), port: 0, ...settings },
    { engine, log, ...(storage === undefined ? {} : { storage }) },
  );
  const url = await server.listen();
  return {
    url,
    ws: `${url.replace("http", "ws")}/api/ws/query`,
    server,
    engine,
    logged,
    async [Symbol.asyncDispose]() {
      await server.close();
    },
  };
}
