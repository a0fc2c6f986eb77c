import { STATUS_CODES } from "node:http";
import { FAILURES, ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { failureOf } from "../realtime/refusals.js";

/** RFC 9457, with the members that our failures have. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** 1-based, in the query that was sent. */
  readonly line?: number;
  readonly column?: number;
  /** What else helps: an HTTP status of the endpoint, the nearest known name, a file. */
  readonly hint?: string;
  readonly [extension: string]: unknown;
}

/** The same for documents. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: "`urn:sparql-live:problem:` and the code." }),
    title: Type.String({ description: "Of the status." }),
    status: Type.Integer(),
    detail: Type.String({ description: "What was wrong and what to do." }),
    code: Type.String({ description: "For programs." }),
    line: Type.Optional(Type.Integer({ minimum: 1, description: "In the query that was sent." })),
    column: Type.Optional(Type.Integer({ minimum: 1 })),
    hint: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), message: Type.String() }), {
        description: "The places that do not fit.",
      }),
    ),
    formats: Type.Optional(
      Type.Array(Type.String(), { description: "Media types that can be had, where none was acceptable." }),
    ),
  },
  { description: "A problem document (RFC 9457)." },
);

export const PROBLEM_TYPE = "application/problem+json";

export function problemOf(error: unknown, status?: number): Problem {
  const failure = failureOf(error);
  const base = problem(status ?? statusOf(failure.code), failure.code, failure.message);
  if (failure instanceof ProtocolFailure) {
    return failure.violations.length === 0 ? base : { ...base, errors: failure.violations };
  }
  return {
    ...base,
    ...(failure.place === undefined ? {} : { line: failure.place.line, column: failure.place.column }),
    ...(failure.detail === undefined ? {} : { hint: failure.detail }),
  };
}

export function problem(status: number, code: string, detail: string): Problem {
  return {
    type: `urn:sparql-live:problem:${code}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail,
    code,
  };
}

/** As bytes: to a text Fastify would append a character set, which the type does not have. */
export function sendProblem(reply: FastifyReply, told: Problem, retryAfterMs?: number): FastifyReply {
  if (retryAfterMs !== undefined) reply.header("retry-after", Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  return reply
    .code(told.status)
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(told)));
}

function statusOf(code: keyof typeof FAILURES): number {
  // The table says 499 for whoever hung up; one who still listens is told that we went away.
  return code === "query_cancelled" ? 503 : FAILURES[code].http;
}
