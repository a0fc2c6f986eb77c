import { type DestinationStream, type Logger, pino } from "pino";

/** JSON lines. Queries and questions are data of their askers: nothing logs them. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: "sparql-live" },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: pino.stdSerializers.err },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
