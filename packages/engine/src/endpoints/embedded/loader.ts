import type { Store } from "oxigraph";
import { EngineFailure } from "../../failure.js";
import { type DataFile, type DataSource, listDataFiles } from "./data-files.js";
import { type FileText, openFileText } from "./file-text.js";
import { linesOf, parseFailure, unreadableFile } from "./parse-failure.js";
import { createXmlClosingWatch } from "./xml-closing.js";

export interface LoadProgress {
  /** The file being read, or the name of a text in memory. */
  readonly file: string;
  /** Of the files as they are stored, compressed where they are. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** Quads in the store so far. Grows within a file for N-Triples and N-Quads, else file by file. */
  readonly triples: number;
}

/**
 * Loads all sources into an empty store and returns the number of triples that queries see.
 *
 * Named graphs are kept, and their triples are also put into the default graph: a query that names no dataset
 * sees everything once, `GRAPH` and `FROM` work as specified. (The store's own union option would ignore `FROM` and
 * count a triple in two graphs twice; the price of the copy is memory, for data with named graphs only.)
 * Blank nodes of different files stay different. Throws `data_unreadable` with file, line and column.
 */
export async function loadData(
  store: Store,
  sources: readonly DataSource[],
  onProgress: (progress: LoadProgress) => void,
): Promise<number> {
  const files = await listDataFiles(sources);
  const bytesTotal = files.reduce((sum, file) => sum + file.bytes, 0);
  let bytesBefore = 0;
  for (const file of files) {
    await loadFile(store, file, (share) => {
      const bytesRead = bytesBefore + Math.round(file.bytes * share);
      onProgress({ file: file.name, bytesRead, bytesTotal, triples: store.size });
    });
    bytesBefore += file.bytes;
    onProgress({ file: file.name, bytesRead: bytesBefore, bytesTotal, triples: store.size });
  }
  return unite(store);
}

function unite(store: Store): number {
  if (store.query("ASK { GRAPH ?g { ?s ?p ?o } }") === false) return store.size;
  store.update("INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }");
  const json = store.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", { results_format: "json" });
  const count = /"n":\{[^}]*"value":"(\d+)"/.exec(String(json));
  return Number(count?.[1]);
}

async function loadFile(store: Store, file: DataFile, onShare: (share: number) => void): Promise<void> {
  const text = await openFileText(file).catch((cause: unknown) => {
    if (cause instanceof EngineFailure) throw cause;
    throw unreadableFile(file, cause instanceof Error ? cause.message : String(cause), undefined, cause);
  });
  const lines = { before: 0 };
  try {
    const chunks = watched(text, onShare);
    if (file.format === "application/n-triples" || file.format === "application/n-quads") {
      loadLines(store, file, chunks, lines);
    } else if (file.format === "application/rdf+xml") {
      const watch = createXmlClosingWatch();
      loadChunks(store, file, seenBy(chunks, watch.see));
      if (!watch.isClosed()) await raiseUnclosed(file);
    } else {
      loadChunks(store, file, chunks);
    }
  } catch (cause) {
    throw await parseFailure(file, cause, lines.before);
  } finally {
    text.chunks.return();
  }
}

/** One call is one parse and one transaction; the store pulls the chunks as it parses. */
function loadChunks(store: Store, file: DataFile, chunks: Iterable<Buffer>): void {
  let broken: { readonly cause: unknown } | undefined;
  const options = { format: file.format, ...(file.baseIri === undefined ? {} : { base_iri: file.baseIri }) };
  try {
    store.load(
      kept(chunks, (cause) => {
        broken = { cause };
      }),
      options,
    );
  } catch (error) {
    throw broken === undefined ? error : broken.cause;
  }
}

/** The store turns an error of its input (a failing disk) into text; this keeps the error itself. */
function* kept(chunks: Iterable<Buffer>, keep: (cause: unknown) => void): Generator<Buffer, void, undefined> {
  try {
    yield* chunks;
  } catch (cause) {
    keep(cause);
    throw cause;
  }
}

/**
 * Line formats are loaded in batches of whole lines: a fifth faster and with a tenth less memory than in one
 * transaction, and the triples can be counted meanwhile. Every load call renames blank nodes, so from the first
 * batch that may hold one, the rest of the file goes into a single call.
 */
function loadLines(
  store: Store,
  file: DataFile,
  chunks: Generator<Buffer, void, undefined>,
  lines: { before: number },
): void {
  let rest: Buffer = Buffer.alloc(0);
  for (let next = chunks.next(); next.done !== true; next = chunks.next()) {
    const text = Buffer.concat([rest, next.value]);
    if (text.includes("_:")) {
      loadChunks(store, file, joined(text, chunks));
      return;
    }
    const end = text.lastIndexOf(10) + 1;
    const batch = text.subarray(0, end);
    loadChunks(store, file, [batch]);
    lines.before += countLineFeeds(batch);
    rest = text.subarray(end);
  }
  loadChunks(store, file, [rest]);
}

function* joined(first: Buffer, others: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  yield first;
  yield* others;
}

function countLineFeeds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}

function* watched(text: FileText, onShare: (share: number) => void): Generator<Buffer, void, undefined> {
  let bytes = 0;
  for (const chunk of text.chunks) {
    yield chunk;
    bytes += chunk.length;
    onShare(Math.min(1, bytes / Math.max(1, text.bytes)));
  }
}

function* seenBy(chunks: Iterable<Buffer>, see: (chunk: Buffer) => void): Generator<Buffer, void, undefined> {
  for (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

async function raiseUnclosed(file: DataFile): Promise<never> {
  const { chunks } = await openFileText(file);
  let line = 1;
  let column = 1;
  for (const text of linesOf(chunks)) {
    const ended = text.at(-1) === 10;
    column = ended ? 1 : column + text.toString().length;
    if (ended) line += 1;
  }
  throw unreadableFile(file, "the file ends before its root element is closed; it was cut off", {
    line,
    column,
  });
}
