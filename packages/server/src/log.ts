import { type DestinationStream, type Logger, pino } from "pino";

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
/** JSON leaves these as they are; some terminals take them for commands, some readers for ends of lines. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

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
      streamWrite: (line: string) =>
        line.replace(SECRET_TEXTS, "$1[redacted]").replace(CONTROLS, (character) => escaped(character)),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
