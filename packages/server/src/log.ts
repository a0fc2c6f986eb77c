import { type DestinationStream, type Logger, pino } from "pino";

/** What JSON leaves as it is and a terminal obeys: C1 controls, line separators, marks of direction. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Members of logged objects that hold secrets, wherever a library or an error brings them along. */
const SECRETS = [
  "authorization",
  "cookie",
  "sec-websocket-protocol",
  "token",
  "resume_token",
  "api_key",
  "ticket",
];
/** Secrets within texts, as the messages of errors may have them: in addresses, and behind the name of a scheme. */
const SECRET_TEXTS =
  /((?:[?&](?:api_key|access_token|token|ticket|resume_token|invite|key)=|\b(?:bearer|basic) ))[^\s&"'\\]+/gi;
/** JSON lines. Queries and questions are data of their askers: nothing logs them unless it is asked to. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: "sparql-live" },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: pino.stdSerializers.err },
    redact: {
      paths: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: "[redacted]",
    },
    hooks: {
      // Both stand only in texts of the line, where their escapes mean the same.
      streamWrite: (line: string) => line.replace(SECRET_TEXTS, "$1[redacted]").replace(OBEYED, escaped),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
