import { RESULT_FORMATS } from "@sparql-live/engine";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import Type, { type TSchema } from "typebox";
import { documented } from "./operation.js";
import { SPARQL_BODY_TYPES } from "./sparql-request.js";

const QueryText = Type.String({ maxLength: WIRE_LIMITS.maxQueryCharacters });
const EndpointId = Type.Optional(
  Type.String({ description: "Which endpoint is asked; default: the first." }),
);

const HEADERS = Type.Object({
  "query-id": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: WIRE_LIMITS.maxIdCharacters,
      description: "Names the run; one that is taken is answered with 409.",
    }),
  ),
});

const ANSWER = {
  200: {
    description: "The result, in the form that `Accept` prefers; without a query the service description.",
    content: Object.fromEntries(
      RESULT_FORMATS.flatMap(({ mediaTypes }) => mediaTypes.slice(0, 1)).map((name): [string, TSchema] => [
        name,
        name.endsWith("json") ? Type.Object({}) : Type.String(),
      ]),
    ),
    headers: {
      "query-id": Type.String({ description: "The id of the run." }),
      "sparql-live-completeness": Type.String({
        description: "Whether rows were cut. A trailer where it is not known before the first row.",
      }),
    },
  },
};

const PROBLEMS = [400, 403, 404, 406, 409, 413, 415, 429, 500, 502, 503, 504];

/** The request is read, and what is wrong with it told, by `readSparqlRequest`. */
export const GET_OPTIONS = documented(
  {
    operationId: "query",
    summary: "Runs a SPARQL query",
    description:
      "The query operation of the SPARQL 1.1 Protocol. A bare GET answers the service description.",
    tag: "questions",
    querystring: Type.Object({ query: Type.Optional(QueryText), endpoint: EndpointId }),
    headers: HEADERS,
    responses: ANSWER,
    problems: PROBLEMS,
  },
  {},
);

export const POST_OPTIONS = documented(
  {
    operationId: "queryByPost",
    summary: "Runs a SPARQL query that stands in the body",
    tag: "questions",
    querystring: Type.Object({ endpoint: EndpointId }),
    headers: HEADERS,
    body: {
      [SPARQL_BODY_TYPES.form]: Type.Object({ query: QueryText, endpoint: EndpointId }),
      [SPARQL_BODY_TYPES.query]: QueryText,
    },
    responses: ANSWER,
    problems: PROBLEMS,
  },
  {},
);
