import { basename } from "node:path";
import {
  demonstrationEntry,
  type EndpointEntry,
  type EngineOptions,
  idOfUrl,
  PUBLIC_ENDPOINTS,
} from "@sparql-live/engine";
import type { Settings } from "./settings/table.js";
import { defaultCacheFolder } from "./user-folders.js";

/** What the engine is made with, from the settings. Throws `EngineFailure` where the data is not there. */
export function engineOptionsOf(settings: Settings): EngineOptions {
  return {
    entries: entriesOf(settings),
    cacheFolder: settings.cacheDir ?? defaultCacheFolder(),
    workers: settings.workers,
    workerMemoryMb: settings.workerMemoryMb,
    maxQueued: settings.queueLength,
    maxRows: settings.maxRows,
    maxResultBytes: settings.maxResultBytes,
    queryTimeoutMs: settings.queryTimeoutMs,
    allowAdHocEndpoints: settings.adHocEndpoints,
    allowedNetworks: settings.allowedNetworks,
    rewriteTypes: settings.rewriteTypes,
    olsUrl: settings.ols === "off" ? null : settings.ols,
  };
}

/** The local endpoint first, then those of the settings, then the public ones whose ids are free. */
function entriesOf(settings: Settings): readonly EndpointEntry[] {
  const local = localEntry(settings);
  const own = [local, ...settings.endpoint.map(endpointEntry)];
  const taken = new Set(own.map(({ id }) => id));
  return [...own, ...PUBLIC_ENDPOINTS.filter(({ id }) => !taken.has(id))];
}

function localEntry({ data, dataset }: Settings): EndpointEntry {
  const datasets = dataset.length === 0 ? {} : { datasets: dataset };
  if (data.length === 0) return { ...demonstrationEntry(), ...datasets };
  return { id: "local", title: data.map((path) => basename(path)).join(", "), data, ...datasets };
}

function endpointEntry(setting: Settings["endpoint"][number]): EndpointEntry {
  if (typeof setting !== "string") return setting;
  const named = /^([A-Za-z0-9_-]{1,64})=(.+)$/.exec(setting);
  const [, id, url] = named ?? [undefined, idOfUrl(setting), setting];
  return { id: id ?? setting, title: id ?? setting, url: url ?? setting };
}
