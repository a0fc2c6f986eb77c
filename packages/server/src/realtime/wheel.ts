/** Looked at when its time has come. */
export interface Visitor {
  /** Returns the milliseconds until it wants to be looked at again, or `null` where it does not. */
  visit(nowMs: number): number | null;
}

/** One timer for any number of deadlines. */
export interface Wheel {
  /** Monotonic, as of the last tick: cheap enough to be read for every frame. */
  now(): number;
  /** Visits for the first time after `delayMs`, rounded up to a tick. */
  add(visitor: Visitor, delayMs: number): WheelEntry;
  close(): void;
}

export interface WheelEntry {
  remove(): void;
}

interface Entry extends WheelEntry {
  readonly visitor: Visitor;
  slot: number;
  /** Kept apart from the slots: a visit may remove its own entry, which stands in none at that time. */
  removed: boolean;
}

/**
 * A hashed timer wheel (Varghese and Lauck, 1987). Its clock advances by two ticks at most however late a tick
 * comes: where the event loop (or the machine) stood still, the peers' messages wait unread, and nobody may be
 * taken for dead because of it.
 */
export function createWheel(tickMs: number): Wheel {
  const slots = new Map<number, Set<Entry>>();
  let nowMs = 0;
  let visitedSlot = 0;
  let tickedAtMs = performance.now();

  const put = (entry: Entry, delayMs: number) => {
    entry.slot = Math.max(visitedSlot + 1, Math.ceil((nowMs + delayMs) / tickMs));
    const slot = slots.get(entry.slot);
    if (slot === undefined) slots.set(entry.slot, new Set([entry]));
    else slot.add(entry);
  };

  const tick = () => {
    const atMs = performance.now();
    nowMs += Math.min(atMs - tickedAtMs, 2 * tickMs);
    tickedAtMs = atMs;
    const lastSlot = Math.floor(nowMs / tickMs);
    while (visitedSlot < lastSlot) {
      const due = slots.get(++visitedSlot);
      slots.delete(visitedSlot);
      if (due === undefined) continue;
      for (const entry of due) {
        if (entry.removed) continue;
        const delayMs = entry.visitor.visit(nowMs);
        if (!entry.removed && delayMs !== null) put(entry, delayMs);
      }
    }
  };
  const timer = setInterval(tick, tickMs);
  timer.unref();

  return {
    now: () => nowMs,
    add(visitor, delayMs) {
      const entry: Entry = {
        visitor,
        slot: 0,
        removed: false,
        remove() {
          entry.removed = true;
          slots.get(entry.slot)?.delete(entry);
        },
      };
      put(entry, delayMs);
      return entry;
    },
    close: () => clearInterval(timer),
  };
}
