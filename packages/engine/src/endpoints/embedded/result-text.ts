const BINDINGS = '"results":{"bindings":[';
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

interface RowSlice {
  /** A JSON array. */
  readonly json: string;
  readonly rowCount: number;
}

/** Hands out the rows of a SPARQL Results JSON text in slices, without parsing them. */
export interface ResultText {
  readonly variables: readonly string[];
  /** At least one row where there is one; then as many as fit into both bounds. */
  take(maxRows: number, maxCharacters: number): RowSlice;
  hasMore(): boolean;
}

/** `text` is what the store's own JSON writer gives: no white space, `head` before `results`. */
export function readResultText(text: string): ResultText {
  const results = text.indexOf(BINDINGS);
  if (results < 0) throw new TypeError("The store's JSON has no bindings.");
  const { head } = JSON.parse(`${text.slice(0, results - 1)}}`) as { head: { vars: readonly string[] } };
  let position = results + BINDINGS.length;
  const hasMore = () => text.charCodeAt(position) === OPEN_BRACE;
  return {
    variables: head.vars,
    hasMore,
    take(maxRows, maxCharacters) {
      const start = position;
      let rowCount = 0;
      let end = start;
      while (rowCount < maxRows && hasMore()) {
        const rowEnd = endOfRow(text, position);
        if (rowCount > 0 && rowEnd - start > maxCharacters) break;
        rowCount += 1;
        end = rowEnd;
        position = text.charCodeAt(rowEnd) === COMMA ? rowEnd + 1 : rowEnd;
      }
      return { json: `[${text.slice(start, end)}]`, rowCount };
    },
  };
}

/** The index after the closing brace of the object that begins at `start`. */
function endOfRow(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE) depth += 1;
    else if (code === CLOSE_BRACE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new TypeError("The store's JSON ends within a row.");
}

/** The index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  throw new TypeError("The store's JSON ends within a string.");
}
