import { createEmbeddedExecutor } from "@sparql-live/engine";

export interface SourceQuery {
  readonly sparql: string;
  readonly windowable: boolean;
  readonly maxRows: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What the streaming figures are taken of: something that answers queries with batches of rows. */
export interface RowSource {
  readonly name: string;
  /** The row counts of the batches as they come. */
  stream(query: SourceQuery): AsyncIterable<number>;
  /** Resolves when everything that loads in the background is loaded. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const SETTLE_POLL_MS = 20;
const MAX_SETTLE_MS = 300_000;

/** The embedded executor in this process, without a server around it. */
export async function openEmbeddedSource(path: string): Promise<RowSource> {
  const executor = createEmbeddedExecutor({ sources: [{ path }] });
  await executor.ready;
  return {
    name: "embedded executor",
    async *stream({ sparql, windowable, maxRows, timeoutMs, signal }) {
      const query = { text: sparql, form: "select", variables: null, windowable } as const;
      const limits = { maxRows, maxBytes: Number.MAX_SAFE_INTEGER, timeoutMs, signal };
      for await (const event of executor.execute(query, limits)) {
        if (event.kind === "rows") yield event.rows.length;
      }
    },
    async settled() {
      const deadlineAt = performance.now() + MAX_SETTLE_MS;
      for (let stats = executor.stats(); stats.loading + stats.draining > 0; stats = executor.stats()) {
        if (performance.now() > deadlineAt) throw new Error("The workers did not finish loading.");
        await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
      }
    },
    close: () => executor.close(),
  };
}
