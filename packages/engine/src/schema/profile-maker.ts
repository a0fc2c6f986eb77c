import type { Executor } from "../executor.js";
import type { SchemaProfile } from "../profile.js";
import { countEverything, countSubclasses, sampleInstances } from "./counts.js";
import { readDeclarations, readTermNames } from "./declarations.js";
import { createDraft, type ProfileDraft } from "./draft.js";
import { finishProfile } from "./finish.js";
import { type Inquiry, openInquiry } from "./inquiry.js";
import { findInverses } from "./inverses.js";
import { measureLinks, sampleClasses, takeDeclaredLinks } from "./links.js";
import { collectValues, measureRanges } from "./literals.js";
import { behaviourOf, chooseNamePredicates, type TextBehaviour } from "./name-predicates.js";
import { findPassedNodes } from "./value-nodes.js";
import { readVoid } from "./void-description.js";

/** Default time budgets: an embedded engine is ours to use, a remote one is a guest's. */
export const PROFILE_BUDGET_MS = { embedded: 20_000, remote: 15_000 } as const;

export interface ProfileOptions {
  readonly endpointId: string;
  readonly executor: Executor;
  /** Prefixes that the endpoint's owner gave; they win over those that the data declare. */
  readonly prefixes: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  /** For everything together. */
  readonly budgetMs: number;
  readonly signal: AbortSignal;
  /** Called at the start of each step; `fraction` is how much is done, 0 to 1. */
  readonly onProgress?: (progress: ProfileProgress) => void;
}

export interface ProfileProgress {
  readonly fraction: number;
  readonly message: string;
}

/**
 * Finds out what an endpoint holds, by queries alone: counts, what the endpoint declares and describes of itself, then
 * looking at the data, whole where that is quick and by samples where it is not. When the budget ends, what is known
 * is given with `complete: false`. The same data give the same profile, apart from `madeAt`.
 *
 * Throws `query_cancelled` when the signal aborts, and the endpoint's own failure when it cannot be reached.
 */
export async function makeProfile(options: ProfileOptions): Promise<SchemaProfile> {
  using inquiry = openInquiry(options);
  const draft = createDraft();
  const report = (fraction: number, message: string) => options.onProgress?.({ fraction, message });

  report(0, "Counting triples, classes and properties");
  await countEverything(inquiry, draft);
  report(0.2, "Reading declarations");
  const inverses = await readDeclarations(inquiry, draft);
  report(0.25, "Connecting classes and properties");
  await findLinks(inquiry, draft);
  report(0.6, "Collecting values");
  const behaviours = await findNames(inquiry, draft);
  report(0.8, "Reading labels of classes and properties");
  await readTermNames(inquiry, draft);
  report(0.85, "Looking for inverse properties and value nodes");
  await measureRanges(inquiry, draft);
  await findInverses(inquiry, draft, inverses);
  await findPassedNodes(inquiry, draft, behaviours);
  await countSubclasses(inquiry, draft);
  await sampleInstances(inquiry, draft);
  report(1, "Done");
  return finishProfile(draft, { ...options, complete: !inquiry.budgetEnded() });
}

async function findLinks(inquiry: Inquiry, draft: ProfileDraft): Promise<void> {
  if (draft.countable) await measureLinks(inquiry, draft);
  else {
    await readVoid(inquiry, draft);
    await sampleClasses(inquiry, draft);
  }
  takeDeclaredLinks(draft);
}

async function findNames(inquiry: Inquiry, draft: ProfileDraft): Promise<Map<string, TextBehaviour>> {
  const samples = await collectValues(inquiry, draft);
  const behaviours = new Map<string, TextBehaviour>();
  for (const [iri, sample] of samples) {
    const property = draft.properties.get(iri);
    const behaviour = property === undefined ? null : behaviourOf(property, sample);
    if (behaviour !== null) behaviours.set(iri, behaviour);
  }
  chooseNamePredicates(draft, behaviours);
  return behaviours;
}
