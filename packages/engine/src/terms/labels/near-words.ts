/** A word of a sorted list and how many edits it is away. */
export interface NearWord {
  readonly id: number;
  readonly edits: number;
}

/** The edits that a typed word of this length may contain. */
export function allowedEdits(length: number): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

/** The first position in a sorted list that is not before `text`. */
export function lowerBound(words: readonly string[], text: string, from = 0): number {
  let low = from;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[middle] ?? "") < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** After every text that starts with the prefix, in code unit order. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\uffff`;
}

/**
 * Words of a sorted list within some edits (insertion, deletion, substitution, or two neighbours swapped: the
 * restricted Damerau–Levenshtein distance). Words that start alike share their rows of the distance table, and as soon
 * as a start is too far away all words with it are skipped, so only a small part of the list is looked at.
 * With `asPrefix` the distance is that to the nearest start of the word.
 */
export function nearWords(
  words: readonly string[],
  wanted: string,
  maxEdits: number,
  asPrefix = false,
): NearWord[] {
  const width = wanted.length + 1;
  const deepest = wanted.length + maxEdits;
  const rows: Uint8Array[] = [Uint8Array.from({ length: width }, (_, column) => column)];
  const found: NearWord[] = [];
  let previous = "";
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    let depth = sharedStart(previous, word, Math.min(rows.length - 1, deepest));
    rows.length = depth + 1;
    previous = word;
    let reached = asPrefix ? bestOf(rows, width - 1) : Infinity;
    let tooFar = false;
    while (depth < word.length) {
      if (asPrefix && reached <= maxEdits && depth >= deepest) break;
      if (depth >= deepest) {
        tooFar = true;
        break;
      }
      const row = nextRow(rows, word, depth, wanted);
      depth += 1;
      rows.push(row);
      if (asPrefix) reached = Math.min(reached, row[width - 1] ?? Infinity);
      if (least(row) > maxEdits) {
        tooFar = true;
        break;
      }
    }
    const edits = asPrefix ? reached : tooFar ? Infinity : (rows[depth]?.[width - 1] ?? Infinity);
    if (edits <= maxEdits) found.push({ id: at, edits });
    // A start that is too far away for whole words may still follow a near one when starts count.
    at =
      tooFar && edits > maxEdits
        ? lowerBound(words, afterPrefix(word.slice(0, depth + (depth >= deepest ? 1 : 0))), at + 1)
        : at + 1;
  }
  return found;
}

function sharedStart(a: string, b: string, most: number): number {
  let length = 0;
  while (length < most && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}

function bestOf(rows: readonly Uint8Array[], column: number): number {
  let best = Infinity;
  for (const row of rows) best = Math.min(best, row[column] ?? Infinity);
  return best;
}

function least(row: Uint8Array): number {
  let best = Infinity;
  for (const edits of row) if (edits < best) best = edits;
  return best;
}

function nextRow(rows: readonly Uint8Array[], word: string, depth: number, wanted: string): Uint8Array {
  const above = rows[depth];
  const row = new Uint8Array(wanted.length + 1);
  const letter = word.charCodeAt(depth);
  row[0] = depth + 1;
  for (let column = 1; column <= wanted.length; column += 1) {
    const same = wanted.charCodeAt(column - 1) === letter;
    let edits = Math.min(
      (above?.[column - 1] ?? 0) + (same ? 0 : 1),
      (above?.[column] ?? 0) + 1,
      (row[column - 1] ?? 0) + 1,
    );
    if (depth > 0 && column > 1 && !same) {
      const swapped =
        wanted.charCodeAt(column - 2) === letter &&
        word.charCodeAt(depth - 1) === wanted.charCodeAt(column - 1);
      if (swapped) edits = Math.min(edits, (rows[depth - 1]?.[column - 2] ?? 0) + 1);
    }
    row[column] = edits;
  }
  return row;
}
