import { newId } from "./ids.js";

/** What marks as its own what this page keeps; other pages can tell whether it is still there. */
export const PAGE_ID = newId();

const nameOf = (pageId: string) => `sparql-live-page:${pageId}`;
let held: Promise<void> | null = null;

/** Settles when other pages can see that this one is there. Where there are no locks (plain HTTP) none can. */
export function holdPageLock(): Promise<void> {
  held ??= new Promise<void>((resolve, reject) => {
    const { locks } = navigator;
    if (locks === undefined) return resolve();
    const untilThePageEnds = () => {
      resolve();
      return new Promise<never>(() => undefined);
    };
    locks.request(nameOf(PAGE_ID), untilThePageEnds).catch(reject);
  });
  return held;
}

/** Does it when that page is not there any more; at once where nobody can tell. One page of all does it at a time. */
export async function whenPageEnded<T>(pageId: string, work: () => Promise<T>): Promise<T> {
  const { locks } = navigator;
  return locks === undefined ? work() : locks.request(nameOf(pageId), work);
}
