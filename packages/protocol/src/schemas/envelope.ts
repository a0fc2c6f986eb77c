import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";

export const Id = Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters });

/** What stands around every payload. On what a server receives only `type` is required. */
export const Envelope = Type.Object({
  type: Type.String({ minLength: 1, maxLength: 64 }),
  message_id: Type.Optional(Id),
  correlation_id: Type.Optional(Id),
  timestamp: Type.Optional(Type.Number({ description: "Seconds since 1970." })),
  traceparent: Type.Optional(Type.String({ maxLength: 128, description: "W3C Trace Context." })),
  payload: Type.Record(Type.String(), Type.Unknown()),
});
