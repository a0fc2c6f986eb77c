const FIRST_WINDOW_ROWS = 100;
const GROWTH = 4;

/** Bounds the memory of one window; a window is held as one JSON text in its worker. */
const MAX_WINDOW_ROWS = 100_000;

/** A first window this slow is not followed by others: executing the query again may take as long each time. */
const SLOW_FIRST_WINDOW_MS = 1_000;

/** What a query may cost before its first row without its windows being merged into one. */
const MAX_REPEATED_MS = 100;

export interface WindowSample {
  readonly rows: number;
  readonly elapsedMs: number;
}

/**
 * How many rows the next LIMIT/OFFSET window should have, from the windows so far.
 *
 * Each window executes the query again and skips what was read. With windows that grow fourfold, the skipped rows
 * stay below a third of the read ones (with a fixed size they would grow with the square). That repeats the
 * cost per row only; a query with a cost before its first row (a subquery, a hash table) pays it in every window. The
 * first two windows tell the two apart: time = start + perRow × (offset + rows). Where `start` is large, the rest
 * is read in one go.
 */
export function nextWindowRows(samples: readonly WindowSample[]): number {
  const [first, second] = samples;
  if (first === undefined) return FIRST_WINDOW_ROWS;
  if (first.elapsedMs > SLOW_FIRST_WINDOW_MS) return MAX_WINDOW_ROWS;
  if (second !== undefined && second.rows > 0) {
    const perRowMs = Math.max(0, (second.elapsedMs - first.elapsedMs) / second.rows);
    if (first.elapsedMs - perRowMs * first.rows > MAX_REPEATED_MS) return MAX_WINDOW_ROWS;
  }
  return Math.min(MAX_WINDOW_ROWS, FIRST_WINDOW_ROWS * GROWTH ** samples.length);
}
