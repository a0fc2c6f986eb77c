import type { Executor } from "../../executor.js";
import { EngineFailure } from "../../failure.js";
import type { LabelHit, LabelIndex, LabelSearchOptions } from "../../labels.js";
import type { SchemaProfile } from "../../profile.js";
import { harvestNames } from "./harvest.js";
import { type LabelWorker, startLabelWorker } from "./label-worker.js";
import { createLiveLookup, type LiveLookup } from "./live-lookup.js";
import { schemaNames } from "./schema-names.js";

const DEFAULT_MAX_NAMES = 200_000;
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
const MAX_TEXTS = 500;
const SCHEMA_ENTRIES_PER_BATCH = 2_000;

/** Default time for reading names from an endpoint. */
export const LABEL_BUDGET_MS = { embedded: 60_000, remote: 20_000 } as const;

export interface LabelIndexOptions {
  readonly executor: Executor;
  readonly profile: SchemaProfile;
  /** A remote endpoint is also asked live for exact names that the index does not hold. */
  readonly kind: "embedded" | "remote";
  /** Names read from the endpoint, default 200 000; more are dropped and `truncated` is set. */
  readonly maxNames?: number;
  /** For reading the names; default `LABEL_BUDGET_MS` of the kind. What is read by then is kept. */
  readonly budgetMs?: number;
  /** BCP 47 language whose labels are preferred, default `en`. */
  readonly language?: string;
  /** Of the building; what is built is ended by `close`. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly fraction: number; readonly message: string }) => void;
}

/** A label index with a thread of its own. */
export interface OwnedLabelIndex extends LabelIndex {
  /** Whether the endpoint has more names than are held. */
  readonly truncated: boolean;
  /** Ends the thread; searches under way fail with `endpoint_unavailable`. */
  close(): Promise<void>;
}

/**
 * Reads the names of an endpoint's classes, properties, entities and few-valued literals into a worker thread and
 * opens them for searching. Throws `query_cancelled` when the signal aborts; names that the endpoint does not give in
 * time are missing, and `truncated` says so.
 */
export async function createLabelIndex(options: LabelIndexOptions): Promise<OwnedLabelIndex> {
  const { executor, profile, kind, signal, language = "en", maxNames = DEFAULT_MAX_NAMES } = options;
  const worker = startLabelWorker({ maxNames, language });
  try {
    const entries = schemaNames(profile, language);
    for (let at = 0; at < entries.length; at += SCHEMA_ENTRIES_PER_BATCH) {
      const batch = { type: "schema", entries: entries.slice(at, at + SCHEMA_ENTRIES_PER_BATCH) } as const;
      await worker.request({ type: "build", batch }, signal);
    }
    const truncated = await harvestNames({
      executor,
      profile,
      maxNames,
      budgetMs: options.budgetMs ?? LABEL_BUDGET_MS[kind],
      signal,
      worker,
      onProgress: (progress) => options.onProgress?.(progress),
    });
    const sealed = await worker.request({ type: "seal" }, signal);
    const size = sealed.type === "built" ? sealed.nameCount : 0;
    const live = kind === "remote" && truncated ? createLiveLookup(executor, profile) : null;
    return indexOver(worker, size, truncated, live);
  } catch (error) {
    await worker.close();
    throw error;
  }
}

function indexOver(
  worker: LabelWorker,
  size: number,
  truncated: boolean,
  live: LiveLookup | null,
): OwnedLabelIndex {
  const searchMany = async (
    texts: readonly string[],
    { limit = DEFAULT_LIMIT, kinds, mode, signal }: LabelSearchOptions,
  ): Promise<readonly (readonly LabelHit[])[]> => {
    if (texts.length > MAX_TEXTS) {
      throw new EngineFailure(
        "bad_request",
        `At most ${MAX_TEXTS} texts can be searched at once; ${texts.length} were given.`,
      );
    }
    const search = { texts, limit: Math.min(limit, MAX_LIMIT), kinds: kinds ?? null, mode };
    const reply = await worker.request({ type: "search", search }, signal);
    const held = reply.type === "hits" ? reply.hits : [];
    if (live === null || (kinds !== undefined && !kinds.includes("entity"))) return held;
    const open = texts.filter(
      (_, at) => !held[at]?.some((hit) => hit.kind === "entity" && hit.match === "exact"),
    );
    const found = await live.find(open, mode, signal);
    return texts.map((text, at) => merge(held[at] ?? [], found.get(text) ?? [], search.limit));
  };

  return {
    size,
    truncated,
    searchMany,
    async search(text, options) {
      const [hits = []] = await searchMany([text], options);
      return hits;
    },
    async labelsOf(iris, signal) {
      if (iris.length === 0) return new Map();
      const reply = await worker.request({ type: "labels", iris }, signal);
      return new Map(reply.type === "labels" ? reply.labels : []);
    },
    close: () => worker.close(),
  };
}

function merge(held: readonly LabelHit[], found: readonly LabelHit[], limit: number): readonly LabelHit[] {
  if (found.length === 0) return held;
  const known = new Set(found.map((hit) => `${hit.kind} ${hit.iri}`));
  return [...found, ...held.filter((hit) => !known.has(`${hit.kind} ${hit.iri}`))]
    .sort((a, b) => b.score - a.score)
    .slice(0, limit);
}
