/**
 * The number of insertions, deletions, replacements and swaps of neighbours between two texts
 * (optimal string alignment), or `bound + 1` as soon as it is known to exceed `bound`.
 */
export function editDistance(left: string, right: string, bound: number): number {
  if (Math.abs(left.length - right.length) > bound) return bound + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
      least = Math.min(least, cost);
    }
    if (least > bound) return bound + 1;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[right.length] ?? 0, bound + 1);
}

/**
 * The candidate whose name is nearest to `name`, case aside; `null` when none is near enough to be meant:
 * at most a third of the letters may differ, and never more than four; names of one or two letters resemble nothing.
 */
export function nearestBy<T>(
  name: string,
  candidates: Iterable<T>,
  nameOf: (candidate: T) => string,
): T | null {
  const wanted = name.toLowerCase();
  let bound = Math.min(4, Math.floor(wanted.length / 3));
  let best: T | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, nameOf(candidate).toLowerCase(), bound);
    if (distance > bound) continue;
    best = candidate;
    if (distance === 0) break;
    // From here on only something nearer counts.
    bound = distance - 1;
  }
  return best;
}
