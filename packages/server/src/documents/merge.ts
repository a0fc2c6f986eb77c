import * as Y from "yjs";
import { DOCUMENT_LIMITS } from "./limits.js";
import { liveTextLength, type MergePlan } from "./merge-plan.js";
import { refuse } from "./refusal.js";

/**
 * Does what was planned, in one transaction. With a bound of steps, which is for updates of clients, it throws
 * `bad_document_update` midway where it would take more of them, or what it makes could not be deleted again; the
 * document is then in pieces. Without one nothing is checked: what was taken in once must always come back.
 *
 * Not done by `Y.applyUpdate`, for three reasons: the place of an insertion is found by comparing it with all that
 * was inserted there concurrently, and a few kilobytes made for it take many seconds, which can only be counted
 * between the structs; a root type would be made for each name that a struct gives, even of structs that are known
 * already; and Yjs tidies formats after updates of others by deletions of its own, which nobody would be sent.
 */
export function merge(doc: Y.Doc, plan: MergePlan, maxSteps: number | null): void {
  const check = maxSteps === null ? null : createCheck(doc.store, maxSteps, plan.steps);
  doc.transact((transaction) => {
    for (const struct of plan.structs) {
      if (struct instanceof Y.Item) {
        nameParent(doc, struct);
        struct.getMissing(transaction, doc.store);
        check?.beforeItem(struct);
      }
      struct.integrate(transaction, 0);
    }
    const deletions = Y.createDeleteSet();
    for (const [client, ranges] of plan.deletions) deletions.clients.set(client, [...ranges]);
    Y.iterateDeletedStructs(transaction, deletions, (struct) => struct.delete(transaction));
    check?.atEnd();
  });
}

function createCheck(store: Y.Doc["store"], maxSteps: number, plannedSteps: number) {
  let stepsLeft = maxSteps;
  const spend = (steps: number) => {
    stepsLeft -= steps;
    if (stepsLeft < 0) refuse("The update takes too long to merge. Send less at once.");
  };
  spend(plannedSteps);
  /** Several values of one key in one item. */
  const rows: { readonly client: number; readonly from: number; readonly to: number }[] = [];
  return {
    beforeItem(item: Y.Item): void {
      checkNeighbours(item);
      checkNesting(item);
      spend(countConflicts(item, store, stepsLeft));
      const { client, clock } = item.id;
      if (item.parentSub !== null && item.length > 1)
        rows.push({ client, from: clock, to: clock + item.length });
    },
    /**
     * The values of a key stand in a row, all deleted but the last. Yjs takes this for granted when it deletes the
     * map, and fails then and ever after where a value of several parts was cut in two.
     */
    atEnd(): void {
      for (const { client, from, to } of rows) {
        if (liveTextLength(store.clients.get(client) ?? [], from, to) !== null) {
          refuse("A key has one value at a time.");
        }
      }
    },
  };
}

/** `Y.decodeUpdate` leaves the names of root types where the types belong, against its declaration. */
function nameParent(doc: Y.Doc, item: Y.Item): void {
  const parent: unknown = item.parent;
  if (typeof parent === "string") item.parent = doc.get(parent);
}

/**
 * Yjs forgets what stands in a deleted type, and then an item beside it as well, wherever that is, and all that was
 * written behind it: the text would be gone for whoever comes later.
 */
function checkNeighbours({ left, right }: Y.Item): void {
  // The declaration does not say that neighbours may be collected; the item is collected with them.
  if (!(left instanceof Y.Item && right instanceof Y.Item)) return;
  if (left.parent === right.parent && left.parentSub === right.parentSub) return;
  refuse("The neighbours of an item stand in different types.");
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
