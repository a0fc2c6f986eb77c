import * as Y from "yjs";
import { DOCUMENT_LIMITS } from "./limits.js";
import type { MergePlan } from "./merge-plan.js";
import { refuse } from "./refusal.js";

/**
 * Does what was planned, in one transaction. Throws `bad_document_update` midway where it would take more than
 * `maxSteps` or nest too deeply; the document is then in pieces.
 *
 * Not done by `Y.applyUpdate`, for three reasons: the place of an insertion is found by comparing it with all that
 * was inserted there concurrently, and a few kilobytes made for it take many seconds, which can only be counted
 * between the structs; a root type would be made for each name that a struct gives, even of structs that are known
 * already; and Yjs tidies formats after updates of others by deletions of its own, which nobody would be sent.
 */
export function merge(doc: Y.Doc, plan: MergePlan, maxSteps: number): void {
  let stepsLeft = maxSteps - plan.steps;
  const spend = (steps: number) => {
    stepsLeft -= steps;
    if (stepsLeft < 0) refuse("The update takes too long to merge. Send less at once.");
  };
  spend(0);
  doc.transact((transaction) => {
    for (const struct of plan.structs) {
      if (struct instanceof Y.Item) {
        nameParent(doc, struct);
        struct.getMissing(transaction, doc.store);
        checkEntry(struct);
        spend(checkNeighbours(struct));
        checkNesting(struct);
        spend(countConflicts(struct, doc.store, stepsLeft));
      }
      struct.integrate(transaction, 0);
    }
    const deletions = Y.createDeleteSet();
    for (const [client, ranges] of plan.deletions) deletions.clients.set(client, [...ranges]);
    Y.iterateDeletedStructs(transaction, deletions, (struct) => struct.delete(transaction));
  });
}

/** `Y.decodeUpdate` leaves the names of root types where the types belong, against its declaration. */
function nameParent(doc: Y.Doc, item: Y.Item): void {
  const parent: unknown = item.parent;
  if (typeof parent === "string") item.parent = doc.get(parent);
}

/**
 * The values of a key stand in a row, all deleted but the last. Yjs takes this for granted when it deletes the map,
 * and fails then and ever after where one value was cut in two.
 */
function checkEntry(item: Y.Item): void {
  if (item.parentSub === null || item.length === 1 || item.content instanceof Y.ContentDeleted) return;
  refuse("A key has one value at a time.");
}

/** Walks from the left neighbour to the right one. */
function checkNeighbours({ origin, left, right, parent }: Y.Item): number {
  if (left === null || right === null || !(parent instanceof Y.AbstractType)) return 0;
  let steps = 0;
  if (!Y.compareIDs(origin, left.lastId)) refuse("The neighbours of an item stand in the wrong order.");
  let other = left.right;
  while (other !== null && other !== right) {
    other = other.right;
    steps++;
  }
  if (other === null) refuse("The neighbours of an item stand in the wrong order.");
  return steps;
}

function checkNesting(item: Y.Item): void {
  if (!(item.content instanceof Y.ContentType)) return;
  let depth = 0;
  for (let type = item.parent; type instanceof Y.AbstractType; type = type._item?.parent ?? null) {
    if (++depth > DOCUMENT_LIMITS.maxTypeNesting) {
      refuse(`A type nests more than ${DOCUMENT_LIMITS.maxTypeNesting} levels deep.`);
    }
  }
}

/**
 * How many elements `Item.integrate` of Yjs will pass to find the place of an item, by its rules; it stops counting
 * at `limit`.
 */
function countConflicts(item: Y.Item, store: Y.Doc["store"], limit: number): number {
  const { left, right, parent } = item;
  if (!(parent instanceof Y.AbstractType)) return 0;
  const inPlace = left === null ? right !== null && right.left === null : left.right === right;
  if (inPlace) return 0;

  let steps = 0;
  let other: Y.Item | null;
  if (left !== null) other = left.right;
  else if (item.parentSub === null) other = parent._start;
  else {
    other = parent._map.get(item.parentSub) ?? null;
    while (other !== null && other.left !== null && steps <= limit) {
      other = other.left;
      steps++;
    }
  }
  const passed = new Set<Y.Item>();
  while (other !== null && other !== right && steps <= limit) {
    steps++;
    passed.add(other);
    if (Y.compareIDs(item.origin, other.origin)) {
      if (other.id.client >= item.id.client && Y.compareIDs(item.rightOrigin, other.rightOrigin)) break;
    } else if (other.origin === null || !passed.has(Y.getItem(store, other.origin))) break;
    other = other.right;
  }
  return steps;
}
