import { styleText } from "node:util";
import type { Endpoint, EndpointHealth } from "@sparql-live/engine";
import { EXIT, interruptSignal } from "./exit.js";
import { openLocalEngine } from "./local-engine.js";

export interface EndpointsOptions {
  readonly data?: readonly string[];
  readonly config?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

/** Settles with the exit code. */
export async function listEndpoints(options: EndpointsOptions): Promise<number> {
  const interrupt = interruptSignal();
  const { engine } = openLocalEngine(options);
  try {
    const rows = await Promise.all(
      engine.endpoints.list().map(async (endpoint) => ({
        endpoint,
        health: options.check === true ? await endpoint.check(interrupt.signal) : endpoint.health(),
      })),
    );
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(rows.map(toJson), null, 2)}\n`
        : rows.map(({ endpoint, health }) => `${line(endpoint, health, options.check === true)}\n`).join(""),
    );
    return interrupt.signal.aborted ? EXIT.interrupted : EXIT.answered;
  } finally {
    await engine.close();
    interrupt.release();
  }
}

function toJson({ endpoint, health }: { readonly endpoint: Endpoint; readonly health: EndpointHealth }) {
  const { id, title, description, url, data } = endpoint.entry;
  return { id, title, description, kind: endpoint.kind, url, data, health };
}

function line({ entry, kind }: Endpoint, health: EndpointHealth, checked: boolean): string {
  const where = entry.url ?? entry.data?.join(", ") ?? "";
  const state = checked ? ` ${stateText(health)}` : "";
  return `${entry.id.padEnd(14)} ${kind.padEnd(9)}${state} ${entry.title} – ${where}`;
}

function stateText({ state, latencyMs, message }: EndpointHealth): string {
  const text = latencyMs === null || state !== "healthy" ? state : `${state} ${Math.round(latencyMs)} ms`;
  const shown = message === undefined ? text : `${text} (${message})`;
  return styleText(state === "healthy" ? "green" : "yellow", shown);
}
