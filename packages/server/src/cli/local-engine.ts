import { createEngine, type Engine } from "@sparql-live/engine";
import { engineOptionsOf } from "../engine-options.js";
import { readSettings } from "../settings/read.js";

export interface LocalEngineOptions {
  readonly data?: readonly string[];
  readonly config?: string;
  /** An id, or the address of an endpoint. */
  readonly endpoint?: string;
}

export interface LocalEngine {
  readonly engine: Engine;
  /** The endpoint that was chosen. */
  readonly endpointId: string;
  prefixes(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
}

/** An engine in this process, with the settings of the environment and the configuration file. */
export function openLocalEngine({ data, config, endpoint }: LocalEngineOptions): LocalEngine {
  const settings = readSettings({
    flags: { ...(data === undefined ? {} : { data }), workers: 1 },
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
  });
  const options = engineOptionsOf(settings);
  const asked = chosenEndpoint(endpoint);
  const entries =
    asked.url === undefined
      ? // Data that nobody asks need not be loaded.
        options.entries.filter((entry) => entry.id === asked.id || entry.url !== undefined)
      : [{ id: asked.id, title: asked.url, url: asked.url, probe: false }];
  const engine = createEngine({ ...options, entries, spareWorkers: 0 });
  return {
    engine,
    endpointId: asked.id,
    async prefixes(signal) {
      const profile = await engine.endpoints.get(asked.id)?.profile(signal);
      return profile?.prefixes ?? {};
    },
  };
}

function chosenEndpoint(endpoint: string | undefined): { readonly id: string; readonly url?: string } {
  if (endpoint === undefined) return { id: "local" };
  return /^https?:\/\//i.test(endpoint) ? { id: "asked", url: endpoint } : { id: endpoint };
}
