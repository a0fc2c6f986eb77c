import type { Endpoint, EndpointEntry, EndpointHealth } from "../endpoint.js";
import type { Executor, PreparedQuery } from "../executor.js";
import { type EngineFailure, toEngineFailure } from "../failure.js";
import { type Lazy, lazy } from "../lazy.js";
import { LIMITS } from "../limits.js";
import type { NetworkGuard } from "../network/guard.js";
import type { SchemaProfile } from "../profile.js";
import { readExamples } from "../schema/examples.js";
import { createProfileCache, type ProfileCache } from "../schema/profile-cache.js";
import { profileOf } from "../schema/profile-of.js";
import { createLabelIndex, type OwnedLabelIndex } from "../terms/labels/label-index.js";
import { createEmbeddedExecutor } from "./embedded/executor.js";
import { fingerprintOf } from "./embedded/fingerprint.js";
import type { LoadProgress } from "./embedded/loader.js";
import { createHealthMonitor, type HealthMonitor } from "./health.js";
import { observeHealth, probe } from "./probe.js";
import { createRemoteExecutor } from "./remote/executor.js";

const DEFAULT_PROBE_INTERVAL_MS = 60_000;
/** Who asks while the data is loaded waits, is told how far it is, and may cancel. */
const MAX_LOADING_WAIT_MS = 600_000;

export interface OpenOptions {
  /** Where profiles are kept; `null`: they are made anew each time. */
  readonly cacheFolder: string | null;
  readonly workers?: number;
  readonly spareWorkers?: number;
  readonly workerMemoryMb?: number;
  readonly maxQueued?: number;
  /** Which addresses a remote endpoint may be at, or redirect to. */
  readonly guard: NetworkGuard;
  /** Whether the operator named the endpoint: then it may be anywhere. `false` where a caller named its address. */
  readonly isTrusted: boolean;
  readonly onHealth: (health: EndpointHealth) => void;
  /** What went wrong behind: a profile that could not be refreshed or kept. Nobody's request failed by it. */
  readonly onTrouble: (entry: EndpointEntry, failure: EngineFailure) => void;
}

/** Takes an endpoint into use: its executor, its health, and what is learnt of its data when somebody asks. */
export function openEndpoint(entry: EndpointEntry, options: OpenOptions): Endpoint {
  return entry.data === undefined
    ? openRemote(entry, entry.url ?? "", options)
    : openEmbedded(entry, entry.data, options);
}

function openEmbedded(entry: EndpointEntry, data: readonly string[], options: OpenOptions): Endpoint {
  const sources = data.map((path) => ({ path }));
  const { workers, spareWorkers, workerMemoryMb, maxQueued } = options;
  const executor = createEmbeddedExecutor({
    sources,
    maxLoadingWaitMs: MAX_LOADING_WAIT_MS,
    ...(workers === undefined ? {} : { workers }),
    ...(spareWorkers === undefined ? {} : { spares: spareWorkers }),
    ...(workerMemoryMb === undefined ? {} : { maxOldGenerationSizeMb: workerMemoryMb }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
    onProgress: (progress) => monitor.note({ kind: "loading", message: describeLoading(progress) }),
  });
  const monitor = createMonitor(entry, executor, options);
  monitor.note({ kind: "loading", message: "loading" });
  const ready = executor.ready.then(
    async () => {
      await monitor.check();
    },
    (error: unknown) => {
      monitor.note({ kind: "failed", message: toEngineFailure(error).message });
      throw error;
    },
  );
  // Whoever awaits `ready()` is told; the health tells everybody else.
  ready.catch(() => undefined);
  // What is learnt of the data is learnt when it is there; a file that cannot be read fails the asker with its place.
  return assemble(
    entry,
    "embedded",
    { executor, monitor, ready, fingerprint: () => executor.ready.then(() => fingerprintOf(sources)) },
    options,
  );
}

function openRemote(entry: EndpointEntry, url: string, options: OpenOptions): Endpoint {
  const executor = createRemoteExecutor({
    url,
    ...(entry.headers === undefined ? {} : { headers: entry.headers }),
    guard: options.guard,
    isTrusted: options.isTrusted,
  });
  const monitor = createMonitor(entry, executor, options);
  if (entry.probe !== false) monitor.start();
  const parts = { executor, monitor, ready: Promise.resolve(), fingerprint: async () => null };
  return assemble(entry, "remote", parts, options);
}

function createMonitor(entry: EndpointEntry, executor: Executor, { onHealth }: OpenOptions): HealthMonitor {
  return createHealthMonitor({
    probe: (signal) => probe(executor, signal),
    intervalMs: entry.probeIntervalMs ?? DEFAULT_PROBE_INTERVAL_MS,
    onChange: onHealth,
  });
}

interface Parts {
  readonly executor: Executor;
  readonly monitor: HealthMonitor;
  readonly ready: Promise<void>;
  readonly fingerprint: () => Promise<string | null>;
}

function assemble(
  entry: EndpointEntry,
  kind: Endpoint["kind"],
  { executor, monitor, ready, fingerprint }: Parts,
  options: OpenOptions,
): Endpoint {
  const lifetime = new AbortController();
  const observed = observeHealth(executor, monitor);
  const profile = lazyProfile(entry, observed, fingerprint, lifetime.signal, options);
  const labels = lazy(async () => {
    const known = await profile.get(lifetime.signal);
    return await createLabelIndex({ executor: observed, profile: known, kind, signal: lifetime.signal });
  });
  const graphs = lazy(() => namedGraphs(executor, lifetime.signal));
  const examples = lazy(() =>
    readExamples({
      executor: observed,
      files: entry.examples ?? [],
      prefixes: entry.prefixes ?? {},
      signal: lifetime.signal,
    }),
  );
  return {
    entry,
    kind,
    executor: observed,
    profile: (signal) => profile.get(signal),
    graphs: async (signal) => (kind === "embedded" ? await graphs.get(signal) : "any"),
    knownProfile: () => profile.peek(),
    labels: (signal) => labels.get(signal),
    examples: (signal) => examples.get(signal),
    health: () => monitor.health(),
    check: () => monitor.check(),
    ready: () => ready,
    async close() {
      lifetime.abort();
      monitor.close();
      await closeLabels(labels);
      await executor.close();
    },
  };
}

function lazyProfile(
  entry: EndpointEntry,
  executor: Executor,
  fingerprint: () => Promise<string | null>,
  lifetime: AbortSignal,
  { cacheFolder, onTrouble }: OpenOptions,
): Lazy<SchemaProfile> {
  const made = lazy(async () => {
    const served = await profileOf({
      endpointId: entry.id,
      executor,
      cache: cacheFolder === null ? NO_CACHE : createProfileCache(cacheFolder),
      prefixes: entry.prefixes ?? {},
      fingerprint: await fingerprint(),
      signal: lifetime,
      lifetime,
      onFailure: (failure) => onTrouble(entry, failure),
    });
    return served.profile;
  });
  return made;
}

/** More graphs than anybody names one by one; those beyond cannot be named in FROM. */
const MAX_GRAPHS = 10_000;

async function namedGraphs(executor: Executor, signal: AbortSignal): Promise<readonly string[]> {
  const query: PreparedQuery = {
    text: `SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } } LIMIT ${MAX_GRAPHS}`,
    form: "select",
    variables: ["g"],
    windowable: false,
  };
  const { maxResultBytes: maxBytes, queryTimeoutMs: timeoutMs } = LIMITS;
  const names: string[] = [];
  for await (const event of executor.execute(query, { maxRows: MAX_GRAPHS, maxBytes, timeoutMs, signal })) {
    if (event.kind !== "rows") continue;
    for (const { g } of event.rows) if (g?.type === "uri") names.push(g.value);
  }
  return names;
}

/** For an endpoint that is asked once: nothing is kept. */
const NO_CACHE: ProfileCache = {
  load: async () => null,
  loadAny: async () => null,
  save: async () => undefined,
};

async function closeLabels(labels: Lazy<OwnedLabelIndex>): Promise<void> {
  await labels.peek()?.close();
}

function describeLoading({ bytesRead, bytesTotal, triples }: LoadProgress): string {
  const percent = bytesTotal === 0 ? 100 : Math.floor((100 * bytesRead) / bytesTotal);
  return `loading, ${percent} % (${triples} triples)`;
}
