import { answer, type EndpointLease } from "./answer.js";
import type { AnswerRequest } from "./answer-events.js";
import type { EndpointEntry } from "./endpoint.js";
import { createAdHocEndpoints } from "./endpoints/ad-hoc.js";
import { type OpenOptions, openEndpoint } from "./endpoints/open-endpoint.js";
import { createEndpointRegistry } from "./endpoints/registry.js";
import type { EndpointRegistry, Engine } from "./engine.js";
import { EngineFailure } from "./failure.js";
import type { Generator } from "./generator.js";
import { LIMITS } from "./limits.js";
import { createNetworkGuard, type NetworkGuard, type Resolve } from "./network/guard.js";
import { createGroundedGenerator } from "./question/generator.js";
import type { TermProvider } from "./term-provider.js";
import { withFallback } from "./terms/fallback-provider.js";
import { createLabelProvider } from "./terms/label-provider.js";
import { createOls4Provider } from "./terms/ols4-provider.js";

export interface EngineOptions {
  /** The endpoint `local` is the one that is asked when a request names none. */
  readonly entries: readonly EndpointEntry[];
  /** Where profiles are kept; `null` (the default): they are made anew each time. */
  readonly cacheFolder?: string | null;
  /** Threads of each embedded endpoint that answer queries. Default: the cores, at most 2. */
  readonly workers?: number;
  /** Loaded threads that step in for one that had to be ended. Default 1. */
  readonly spareWorkers?: number;
  readonly workerMemoryMb?: number;
  /** Queries that may wait for a thread. Default 100. */
  readonly maxQueued?: number;
  readonly maxRows?: number;
  readonly maxResultBytes?: number;
  readonly queryTimeoutMs?: number;
  /** Whether a request may name an endpoint by its address; only public addresses are asked. Default `false`. */
  readonly allowAdHocEndpoints?: boolean;
  /**
   * What such an address, or a redirect of any endpoint, may lead to besides the public internet: CIDR blocks,
   * addresses and host names. Default: nothing.
   */
  readonly allowedNetworks?: readonly string[];
  /** Looks up the names of such addresses. Default: the resolver of the system. */
  readonly resolve?: Resolve;
  /** Whether a query to a remote endpoint may contain SERVICE. Default `false`. */
  readonly allowService?: boolean;
  /** Default `true`. */
  readonly rewriteTypes?: boolean;
  /** Base address of an OLS4 service; `null` (the default): the endpoint's own names alone. */
  readonly olsUrl?: string | null;
  /** Told what went wrong behind, without failing a request. */
  readonly onTrouble?: OpenOptions["onTrouble"];
}

/** Takes endpoints into use and answers requests. Throws `bad_request` for an entry or network that is not valid. */
export function createEngine(options: EngineOptions): Engine {
  const shared = {
    cacheFolder: options.cacheFolder ?? null,
    onTrouble: options.onTrouble ?? (() => undefined),
    guard: createNetworkGuard(pick(options, "allowedNetworks", "resolve")),
    ...pick(options, "workers", "spareWorkers", "workerMemoryMb", "maxQueued"),
  };
  const registry = createEndpointRegistry({
    open: (entry, onHealth) => openEndpoint(entry, { ...shared, isTrusted: true, onHealth }),
  });
  for (const entry of options.entries) registry.add(entry);
  const adHoc = createAdHocEndpoints((entry) =>
    openEndpoint(entry, {
      ...shared,
      cacheFolder: null,
      isTrusted: false,
      onHealth: () => undefined,
    }),
  );
  const grounded = createGroundedGenerator();
  const generators = new Map<string, Generator>([
    ["auto", grounded],
    [grounded.strategy, grounded],
  ]);
  const terms = createTermFinder(registry, options.olsUrl ?? null, shared.guard);

  const leaseFor = (request: AnswerRequest): EndpointLease => {
    if (request.endpointUrl === undefined) return lasting(registry, request.endpointId ?? "local");
    if (request.endpointId !== undefined) {
      throw new EngineFailure("bad_request", "Give either an endpoint's id or its address, not both.");
    }
    const { endpointHeaders } = request;
    const known = registry.list().find(({ entry }) => entry.url === request.endpointUrl);
    if (known !== undefined && endpointHeaders === undefined) return lasting(registry, known.entry.id);
    if (options.allowAdHocEndpoints !== true) {
      throw new EngineFailure(
        "endpoint_forbidden",
        "Endpoints given by address are switched off here; ask for one by its id, or have it added to the settings.",
      );
    }
    return adHoc.lease(request.endpointUrl, endpointHeaders);
  };

  return {
    endpoints: registry,
    answer: (request, signal) =>
      answer(
        request,
        {
          openEndpoint: leaseFor,
          generatorFor: (strategy) => generatorFor(generators, strategy),
          maxRows: options.maxRows ?? LIMITS.maxRows,
          maxResultBytes: options.maxResultBytes ?? LIMITS.maxResultBytes,
          defaultTimeoutMs: options.queryTimeoutMs ?? LIMITS.queryTimeoutMs,
          allowService: options.allowService ?? false,
          rewriteTypes: options.rewriteTypes ?? true,
        },
        signal,
      ),
    findTerms: (query, endpointId = "local") => terms.of(endpointId).find(query),
    async ready() {
      await Promise.all(registry.list().map((endpoint) => endpoint.ready()));
    },
    async close() {
      await terms.close();
      await adHoc[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]),
  ) as Pick<T, K>;
}

/** An endpoint of the registry: it outlives the request. */
function lasting(registry: EndpointRegistry, id: string): EndpointLease {
  const endpoint = registry.get(id);
  if (endpoint === undefined) throw noSuchEndpoint(registry, id);
  return { endpoint, [Symbol.asyncDispose]: async () => undefined };
}

function noSuchEndpoint(registry: EndpointRegistry, id: string): EngineFailure {
  const ids = registry.list().map(({ entry }) => entry.id);
  return new EngineFailure(
    "endpoint_not_found",
    `There is no endpoint "${id}". There are: ${ids.join(", ")}.`,
  );
}

function generatorFor(generators: ReadonlyMap<string, Generator>, strategy: string): Generator {
  const generator = generators.get(strategy);
  if (generator !== undefined) return generator;
  throw new EngineFailure(
    "strategy_unavailable",
    `The strategy "${strategy}" is not configured here. There are: ${[...generators.keys()].join(", ")}.`,
  );
}

/** One provider for each endpoint: its own names, behind OLS4 where that is configured. */
function createTermFinder(registry: EndpointRegistry, olsUrl: string | null, guard: NetworkGuard) {
  const ols = olsUrl === null ? null : createOls4Provider({ baseUrl: olsUrl, guard });
  const providers = new Map<string, TermProvider>();
  return {
    of(id: string): TermProvider {
      const endpoint = registry.get(id);
      if (endpoint === undefined) throw noSuchEndpoint(registry, id);
      const own = createLabelProvider({ id, labels: (signal) => endpoint.labels(signal) });
      const provider = providers.get(id) ?? (ols === null ? own : withFallback(ols, own));
      providers.set(id, provider);
      return provider;
    },
    async close() {
      await ols?.close();
    },
  };
}
