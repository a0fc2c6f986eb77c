import type { Binding, Term } from "@sparql-live/engine";

/**
 * How many of `rows`, from `start`, make a chunk of at most `maxBytes` (at least one), and its bytes: an estimate of
 * the encoded ones, from the lengths of the strings: encoding every row twice would cost more than it saves.
 */
export function measureChunk(
  rows: readonly Binding[],
  start: number,
  maxRows: number,
  maxBytes: number,
): { readonly count: number; readonly bytes: number } {
  let bytes = 0;
  let count = 0;
  while (count < maxRows && start + count < rows.length) {
    const more = rowBytes(rows[start + count]);
    if (bytes + more > maxBytes && count > 0) break;
    bytes += more;
    count++;
  }
  return { count, bytes };
}

/** Quotes, names and commas around each term. */
const TERM_OVERHEAD_BYTES = 32;

function rowBytes(row: Binding | undefined): number {
  let bytes = 2;
  if (row === undefined) return bytes;
  for (const [name, term] of Object.entries(row)) bytes += name.length + termBytes(term);
  return bytes;
}

function termBytes(term: Term): number {
  switch (term.type) {
    case "literal":
      return (
        TERM_OVERHEAD_BYTES +
        term.value.length +
        (term.datatype?.length ?? 0) +
        (term["xml:lang"]?.length ?? 0)
      );
    case "triple":
      return (
        TERM_OVERHEAD_BYTES +
        termBytes(term.value.subject) +
        termBytes(term.value.predicate) +
        termBytes(term.value.object)
      );
    default:
      return TERM_OVERHEAD_BYTES + term.value.length;
  }
}
