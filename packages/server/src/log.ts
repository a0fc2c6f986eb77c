import { type DestinationStream, type Logger, pino } from "pino";

/** What JSON leaves as it is and a terminal obeys: C1 controls, line separators, marks of direction. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** JSON lines. Queries and questions are data of their askers: nothing logs them. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: "sparql-live" },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: pino.stdSerializers.err },
    // They can only stand in texts, where their escapes mean the same.
    hooks: { streamWrite: (line: string) => line.replace(OBEYED, escaped) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
