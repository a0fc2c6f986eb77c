import Type from "typebox";
import { WIRE_LIMITS } from "../limits.js";
import { Id } from "./envelope.js";

/** A term of SPARQL 1.1 Query Results JSON (section 3.2.2); `triple` as in SPARQL 1.2. */
const Term = Type.Cyclic(
  {
    Term: Type.Union([
      Type.Object({ type: Type.Literal("uri"), value: Type.String() }),
      Type.Object({ type: Type.Literal("bnode"), value: Type.String() }),
      Type.Object({
        type: Type.Literal("literal"),
        value: Type.String(),
        datatype: Type.Optional(Type.String()),
        "xml:lang": Type.Optional(Type.String()),
        "its:dir": Type.Optional(Type.Union([Type.Literal("ltr"), Type.Literal("rtl")])),
      }),
      Type.Object({
        type: Type.Literal("triple"),
        value: Type.Object({
          subject: Type.Ref("Term"),
          predicate: Type.Ref("Term"),
          object: Type.Ref("Term"),
        }),
      }),
    ]),
  },
  "Term",
);

const Binding = Type.Record(Type.String(), Term);

const Projection = Type.Union([Type.Literal("rich"), Type.Literal("answer")]);

export const QueryRequest = Type.Object({
  natural_language: Type.Optional(Type.String({ maxLength: WIRE_LIMITS.maxQuestionCharacters })),
  sparql: Type.Optional(Type.String({ maxLength: WIRE_LIMITS.maxQueryCharacters })),
  endpoint_id: Type.Optional(Id),
  endpoint_url: Type.Optional(Type.String({ maxLength: 2_048 })),
  strategy: Type.Optional(Type.String({ maxLength: 64, default: "auto" })),
  execute: Type.Optional(Type.Boolean({ default: true })),
  limit: Type.Optional(Type.Integer({ minimum: 1, default: WIRE_LIMITS.defaultRowLimit })),
  timeout: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: WIRE_LIMITS.maxTimeoutSeconds,
      description: "Seconds that the endpoint may work.",
    }),
  ),
  stream: Type.Optional(Type.Boolean({ default: false })),
  credit: Type.Optional(
    Type.Integer({ minimum: 0, maximum: WIRE_LIMITS.maxCreditRows, default: WIRE_LIMITS.defaultCreditRows }),
  ),
  projection: Type.Optional(Projection),
  room_id: Type.Optional(Id),
});

/** Where the run is of a room. */
const OfRoom = { room_id: Type.Optional(Id) };

export const QueryAttach = Type.Object({
  query_id: Id,
  ...OfRoom,
  since: Type.Optional(
    Type.Integer({ minimum: 0, description: "The last chunk seen. Absent: from the start." }),
  ),
  credit: Type.Optional(
    Type.Integer({ minimum: 0, maximum: WIRE_LIMITS.maxCreditRows, description: "Default: the request's." }),
  ),
  stream: Type.Optional(Type.Boolean({ description: "Default: the request's." })),
});

export const QueryCancel = Type.Object({ query_id: Id, ...OfRoom });

export const QueryCredit = Type.Object({
  query_id: Id,
  ...OfRoom,
  rows: Type.Integer({ minimum: 1, maximum: WIRE_LIMITS.maxCreditRows }),
});

const Stage = Type.Union([
  Type.Literal("parsing"),
  Type.Literal("validating"),
  Type.Literal("generating"),
  Type.Literal("optimizing"),
  Type.Literal("executing"),
  Type.Literal("formatting"),
  Type.Literal("completed"),
  Type.Literal("failed"),
]);

export const QueryProgress = Type.Object({
  query_id: Id,
  ...OfRoom,
  stage: Stage,
  progress: Type.Number({ minimum: 0, maximum: 1 }),
  message: Type.String(),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export const QueryRows = Type.Object({
  query_id: Id,
  ...OfRoom,
  seq: Type.Integer({ minimum: 0, description: "Chunks of one run, counted from 0." }),
  variables: Type.Optional(Type.Array(Type.String(), { description: "In the first chunk." })),
  rows: Type.Array(Binding),
});

const Completeness = Type.Object({
  status: Type.Union([Type.Literal("complete"), Type.Literal("truncated"), Type.Literal("partial")]),
  reason: Type.Optional(Type.String()),
  digest: Type.String({ description: "SHA-256, hex, over the rows as N-Triples terms." }),
});

const Span = Type.Object({ start: Type.Integer(), end: Type.Integer(), text: Type.String() });

const Link = Type.Object({
  start: Type.Integer(),
  end: Type.Integer(),
  text: Type.String(),
  kind: Type.String(),
  iri: Type.Optional(Type.String()),
  label: Type.String(),
  score: Type.Number(),
  pattern: Type.Optional(Type.String()),
});

const Warning = Type.Object({
  code: Type.String(),
  message: Type.String(),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  suggestion: Type.Optional(Type.String()),
});

export const QueryResult = Type.Object({
  query_id: Id,
  ...OfRoom,
  query: Type.String(),
  results: Type.Union([
    Type.Null(),
    Type.Object({
      variables: Type.Array(Type.String()),
      bindings: Type.Array(Binding),
      row_count: Type.Integer(),
      boolean: Type.Optional(Type.Boolean({ description: "The answer to an ASK." })),
    }),
  ]),
  execution_time: Type.Number({ description: "Seconds." }),
  row_count: Type.Integer(),
  explanation: Type.String(),
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
  completeness: Completeness,
  alternatives: Type.Array(
    Type.Object({ query: Type.String(), explanation: Type.String(), confidence: Type.Number() }),
  ),
  links: Type.Array(Link),
  not_understood: Type.Array(Span),
  clarification: Type.Optional(Type.String()),
  warnings: Type.Array(Warning),
});

export const QueryCancelled = Type.Object({
  query_id: Id,
  ...OfRoom,
  reason: Type.Union([
    Type.Literal("requested"),
    Type.Literal("disconnected"),
    Type.Literal("shutdown"),
    Type.Literal("detached", { description: "It goes on for others." }),
  ]),
});
