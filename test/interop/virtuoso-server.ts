import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { endProcess, freePort } from "./processes.js";

export interface VirtuosoServer {
  /** The address of its SPARQL endpoint. */
  readonly url: string;
  close(): Promise<void>;
}

export const VIRTUOSO = "/usr/bin/virtuoso-t";
const ISQL = "/usr/bin/isql-vt";
const START_TIMEOUT_MS = 50_000;

/** A Virtuoso of its own in a temporary folder, on loopback alone, with one graph of N-Triples in it. */
export async function startVirtuoso(triples: string, resultSetMaxRows: number): Promise<VirtuosoServer> {
  const folder = await mkdtemp(join(tmpdir(), "interop-virtuoso-"));
  const [sqlPort, httpPort] = [await freePort(), await freePort()];
  const settings = join(folder, "virtuoso.ini");
  const data = join(folder, "data.nt");
  await writeFile(settings, ini(folder, sqlPort, httpPort, resultSetMaxRows));
  await writeFile(data, triples);
  const server = spawn(VIRTUOSO, ["+foreground", "+configfile", settings], { stdio: "ignore" });
  const url = `http://127.0.0.1:${httpPort}/sparql`;
  const close = async () => {
    await endProcess(server);
    await rm(folder, { recursive: true });
  };
  try {
    await untilAnswering(`${url}?query=ASK%7B%7D`);
    const load = `DB.DBA.TTLP(file_to_string_output('${data}'), '', 'urn:example:graph');`;
    await promisify(execFile)(ISQL, [`127.0.0.1:${sqlPort}`, "dba", "dba", "ERRORS=STDOUT", `EXEC=${load}`]);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close };
}

async function untilAnswering(url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    if (performance.now() > deadline) throw new Error(`Virtuoso did not start within ${START_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function ini(folder: string, sqlPort: number, httpPort: number, resultSetMaxRows: number): string {
  const at = (name: string) => join(folder, name);
  return `
[Database]
DatabaseFile = ${at("virtuoso.db")}
ErrorLogFile = ${at("virtuoso.log")}
LockFile = ${at("virtuoso.lck")}
TransactionFile = ${at("virtuoso.trx")}
xa_persistent_file = ${at("virtuoso.pxa")}
TempStorage = TempDatabase
[TempDatabase]
DatabaseFile = ${at("temp.db")}
TransactionFile = ${at("temp.trx")}
[Parameters]
ServerPort = 127.0.0.1:${sqlPort}
DisableUnixSocket = 1
NumberOfBuffers = 10000
MaxDirtyBuffers = 6000
DirsAllowed = ${folder}
[HTTPServer]
ServerPort = 127.0.0.1:${httpPort}
ServerRoot = ${folder}
ServerThreads = 8
[SPARQL]
ResultSetMaxRows = ${resultSetMaxRows}
`;
}
