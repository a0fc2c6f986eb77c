import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { ClientFigures, ClientReply, ClientTask } from "./stream-client.js";

/** The reader in its own process, as the benchmark directs it. */
export interface StreamReader {
  /** One task at a time. Rejects where it fails, or where the process goes. */
  perform(task: ClientTask): Promise<Partial<ClientFigures>>;
  close(): Promise<void>;
}

/** Starts the reader and connects it to the WebSocket at `url`. */
export async function openStreamReader(url: string): Promise<StreamReader> {
  const child = fork(new URL("stream-client.js", import.meta.url), { execArgv: [] });
  const reader: StreamReader = {
    async perform(task) {
      child.send(task);
      const reply = await nextReply(child);
      if ("error" in reply) throw new Error(reply.error);
      return reply.figures;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
  await reader.perform({ kind: "connect", url });
  return reader;
}

async function nextReply(child: ChildProcess): Promise<ClientReply> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([reply]) => reply as ClientReply),
      once(child, "exit", { signal }).then(([code]): never => {
        throw new Error(`The reader's process ended with ${code}; its connection was lost.`);
      }),
    ]);
  } finally {
    listening.abort();
  }
}
