import { ProtocolFailure } from "@sparql-live/protocol";
import * as Y from "yjs";
import { DOCUMENT_LIMITS } from "./limits.js";
import { MissingUpdate, refuse } from "./refusal.js";
import type { DecodedUpdate, Deletion, Struct } from "./update-reader.js";

type Store = Y.Doc["store"];
/** What a client wrote, by rising clocks, without holes. */
type Run = (Y.Item | Y.GC)[];

/** What an update would change. */
export interface MergePlan {
  /** Each stands behind all that it refers to. */
  readonly structs: readonly (Y.Item | Y.GC)[];
  /** Those that delete something. */
  readonly deletions: ReadonlyMap<number, readonly Deletion[]>;
  /** By how much the encoded state grows, at most; negative where it shrinks. */
  readonly growthBytes: number;
  /** What is known of its cost beforehand, in steps as `maxMergeSteps` counts them. */
  readonly steps: number;
}

const { maxClientsCount } = DOCUMENT_LIMITS;

/** The origin, the right origin and the head of the second half of an element that is cut in two. */
const CUT_BYTES = 32;
/** A deletion in the encoded state, with its client. */
const ENTRY_BYTES = 16;
/** How many structs of a client are moved by one place, and how many values copied, in the time of a step. */
const MOVED_PER_STEP = 1_024;
const COPIED_PER_STEP = 8;
const STEPS_PER_MOVE = 2;

/**
 * Plans the merge of an update of which nothing is known yet but, maybe, some of its deletions. Changes nothing.
 * Throws `bad_document_update` where it refers to something that is neither in the store nor in the update: Yjs
 * would keep such parts aside, without a bound, until what they wait for comes.
 */
export function planMerge(store: Store, update: DecodedUpdate): MergePlan {
  const arrived = arrivalsOf(store, update.structs);
  const structs = inOrder(store, arrived);
  const cuts = createCutCounter(store, arrived);
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    const { origin, rightOrigin } = struct;
    if (origin !== null) cuts.count(origin.client, origin.clock + 1);
    // What is written within an element has both halves for its neighbours.
    const isSameCut =
      origin?.client === rightOrigin?.client && origin?.clock === (rightOrigin?.clock ?? 0) - 1;
    if (rightOrigin !== null && !isSameCut) cuts.count(rightOrigin.client, rightOrigin.clock);
  }

  const deletions = new Map<number, Deletion[]>();
  let entryCount = 0;
  let freedBytes = 0;
  let steps = structs.length + stepsToJoin(store, arrived);
  for (const [client, ranges] of update.deletions) {
    const effective: Deletion[] = [];
    for (const range of ranges) {
      const { deletes, textLength } = effectOf(store, arrived, client, range);
      if (!deletes) continue;
      effective.push(range);
      freedBytes += textLength;
      cuts.count(client, range.clock);
      cuts.count(client, range.clock + range.len);
      steps += stepsToMove(store.clients.get(client));
    }
    if (effective.length > 0) deletions.set(client, effective);
    entryCount += effective.length;
  }
  return {
    structs,
    deletions,
    growthBytes:
      (structs.length > 0 ? update.structBytes : 0) +
      entryCount * ENTRY_BYTES +
      cuts.total * CUT_BYTES -
      freedBytes,
    steps: steps + cuts.steps,
  };
}

/** By client, each beginning where the store ends. */
function arrivalsOf(store: Store, structs: readonly Struct[]): Map<number, Run> {
  const arrived = new Map<number, Run>();
  for (const struct of structs) {
    if (struct.id.clock + struct.length > DOCUMENT_LIMITS.maxClock) refuse("A clock is beyond its bound.");
    if (struct instanceof Y.Skip) continue;
    const { client, clock } = struct.id;
    const run = arrived.get(client);
    if (clock !== (run === undefined ? Y.getState(store, client) : endOf(run))) throw new MissingUpdate();
    if (run === undefined) arrived.set(client, [struct]);
    else run.push(struct);
  }
  return arrived;
}

/**
 * The arrivals in the order in which Yjs integrates them: the highest client first, interrupted by what its next
 * struct refers to.
 */
function inOrder(store: Store, arrived: ReadonlyMap<number, Run>): (Y.Item | Y.GC)[] {
  const clients = [...arrived.keys()].sort((one, other) => other - one);
  if (store.clients.size + clients.filter((client) => !store.clients.has(client)).length > maxClientsCount) {
    throw new ProtocolFailure(
      "document_too_large",
      `${maxClientsCount} sessions have written in the document, and no more may. Begin a new one.`,
    );
  }
  const ordered: (Y.Item | Y.GC)[] = [];
  const taken = new Map<number, number>();
  const reached = new Map<number, number>();
  const has = (id: Y.ID) => id.clock < (reached.get(id.client) ?? Y.getState(store, id.client));

  for (const client of clients) {
    const waiting = [client];
    for (let current = waiting.at(-1); current !== undefined; current = waiting.at(-1)) {
      const next = taken.get(current) ?? 0;
      const struct = arrived.get(current)?.[next];
      if (struct === undefined) {
        // The client of the outer loop is through; of another one something is waited for.
        if (waiting.length > 1) throw new MissingUpdate();
        break;
      }
      const missing = referencesOf(struct).find((id) => !has(id));
      if (missing !== undefined) {
        if (waiting.includes(missing.client)) throw new MissingUpdate();
        waiting.push(missing.client);
        continue;
      }
      ordered.push(struct);
      taken.set(current, next + 1);
      reached.set(current, struct.id.clock + struct.length);
      if (waiting.length > 1) waiting.pop();
    }
  }
  return ordered;
}

function referencesOf(struct: Y.Item | Y.GC): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  return [struct.origin, struct.rightOrigin, struct.parent].filter((id) => id instanceof Y.ID);
}

/** Where elements are cut in two, or joined after a deletion, those behind them move. */
function stepsToMove(run: Run = []): number {
  return STEPS_PER_MOVE + Math.ceil(run.length / MOVED_PER_STEP);
}

/** Yjs joins lists of plain values one by one, from the last to the first, and copies both sides each time. */
function stepsToJoin(store: Store, arrived: ReadonlyMap<number, Run>): number {
  let copied = 0;
  for (const [client, run] of arrived) {
    let joined = 0;
    const before = store.clients.get(client)?.at(-1);
    for (let index = run.length - 1; index >= 0; index--) {
      const right = run[index];
      const left = run[index - 1] ?? before;
      if (left === undefined || right === undefined || !areJoinable(left, right)) {
        joined = 0;
        continue;
      }
      joined += right.length;
      copied += joined + left.length;
    }
  }
  return Math.ceil(copied / COPIED_PER_STEP);
}

function areJoinable(left: Y.Item | Y.GC, right: Y.Item | Y.GC): boolean {
  return (
    left instanceof Y.Item &&
    right instanceof Y.Item &&
    (right.content instanceof Y.ContentAny || right.content instanceof Y.ContentJSON) &&
    left.content.constructor === right.content.constructor &&
    right.origin?.client === left.id.client &&
    right.origin.clock === right.id.clock - 1
  );
}

/** Counts the places at which elements, of the store or just arrived, are cut in two. */
function createCutCounter(store: Store, arrived: ReadonlyMap<number, Run>) {
  let total = 0;
  let steps = 0;
  return {
    get total() {
      return total;
    },
    get steps() {
      return steps;
    },
    count(client: number, clock: number): void {
      const known = store.clients.get(client);
      const run = known !== undefined && clock < endOf(known) ? known : arrived.get(client);
      if (run === undefined || clock >= endOf(run)) return;
      if (run[Y.findIndexSS(run, clock)]?.id.clock === clock) return;
      total++;
      steps += stepsToMove(run);
    },
  };
}

/** Whether a deletion deletes anything, and how much text of the store. */
function effectOf(store: Store, arrived: ReadonlyMap<number, Run>, client: number, range: Deletion) {
  const known = store.clients.get(client) ?? [];
  const run = arrived.get(client) ?? [];
  const end = range.clock + range.len;
  if (end > Math.max(endOf(known), endOf(run))) throw new MissingUpdate();
  const textLength = liveTextLength(known, range.clock, end);
  return {
    deletes: textLength !== null || liveTextLength(run, range.clock, end) !== null,
    textLength: textLength ?? 0,
  };
}

/** The length of the texts between two clocks that are not deleted; `null` where everything is. */
export function liveTextLength(run: Run, from: number, to: number): number | null {
  const first = run[0];
  if (first === undefined || from >= endOf(run) || to <= first.id.clock) return null;
  let textLength: number | null = null;
  for (let index = Y.findIndexSS(run, Math.max(from, first.id.clock)); index < run.length; index++) {
    const struct = run[index];
    if (struct === undefined || struct.id.clock >= to) break;
    if (!(struct instanceof Y.Item) || struct.deleted || struct.content instanceof Y.ContentDeleted) continue;
    textLength ??= 0;
    if (!(struct.content instanceof Y.ContentString)) continue;
    textLength += Math.min(struct.id.clock + struct.length, to) - Math.max(struct.id.clock, from);
  }
  return textLength;
}

function endOf(run: Run): number {
  const last = run.at(-1);
  return last === undefined ? 0 : last.id.clock + last.length;
}
