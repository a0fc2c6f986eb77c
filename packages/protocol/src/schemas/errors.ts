import Type from "typebox";
import { FAILURES, type FailureCode } from "../failures.js";
import { Id } from "./envelope.js";

const codes = Object.keys(FAILURES) as FailureCode[];
const Code = Type.Enum(codes);

export const ErrorMessage = Type.Object({
  error: Type.String({ description: "What was wrong and what to do." }),
  error_type: Type.String({ description: "The code in words of older clients; equals `code`." }),
  code: Code,
  query_id: Type.Optional(Id),
  room_id: Type.Optional(Type.String()),
  retry_after: Type.Optional(Type.Number({ description: "Seconds." })),
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  column: Type.Optional(Type.Integer({ minimum: 1 })),
  detail: Type.Optional(Type.String()),
});

export const ValidationError = Type.Object({
  error: Type.String(),
  code: Code,
  errors: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
  query_id: Type.Optional(Id),
});
