import type { FailurePlace } from "../failure.js";

/** The 1-based line and column (UTF-16 code units) of an offset; lines end with LF, CR or CR LF. */
export function placeAt(text: string, offset: number): FailurePlace {
  let line = 1;
  let lineStart = 0;
  const breaks = /\r\n|\n|\r/g;
  for (let found = breaks.exec(text); found !== null; found = breaks.exec(text)) {
    if (breaks.lastIndex > offset) break;
    line += 1;
    lineStart = breaks.lastIndex;
  }
  return { line, column: offset - lineStart + 1 };
}
