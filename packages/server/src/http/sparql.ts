import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import formbody from "@fastify/formbody";
import type { AnswerResult, Engine, ResultFormat } from "@sparql-live/engine";
import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Live } from "../live.js";
import { isFault } from "../realtime/refusals.js";
import type { RunSummary } from "../store.js";
import { beginWork } from "../tracing.js";
import { type Chosen, negotiate, singleHeader } from "./accept.js";
import { consumerOf } from "./consumer.js";
import { onAnswerOver } from "./disconnect.js";
import { representationsOf, writeDocument } from "./documents.js";
import type { Gate } from "./gate.js";
import { UNDOCUMENTED } from "./operation.js";
import { sendServiceDescription } from "./service-description.js";
import { type OpenedAnswer, openAnswer, type QueryForm } from "./sparql-answer.js";
import { GET_OPTIONS, POST_OPTIONS } from "./sparql-operations.js";
import { readSparqlRequest, SPARQL_BODY_TYPES } from "./sparql-request.js";

export interface SparqlDeps {
  readonly engine: Engine;
  readonly live: Live;
  readonly gate: Gate;
  readonly log: Logger;
  /** Whether texts of queries are logged. */
  readonly logQueries: boolean;
}

const METHODS = "GET, HEAD, POST, OPTIONS";
const COMPLETENESS = "sparql-live-completeness";

/** `/sparql`: the query operation of the SPARQL 1.1 Protocol, and the service description where no query is given. */
export async function mountSparql(app: FastifyInstance, deps: SparqlDeps): Promise<void> {
  await app.register(async (scope) => {
    // JSON bodies, which Fastify reads by itself, are no part of the protocol: 415.
    scope.removeAllContentTypeParsers();
    await scope.register(formbody);
    scope.addContentTypeParser(
      [SPARQL_BODY_TYPES.query, SPARQL_BODY_TYPES.update],
      { parseAs: "string" },
      (_request, body, done) => done(null, body),
    );
    const handler = (request: FastifyRequest, reply: FastifyReply) => answerRequest(request, reply, deps);
    scope.route({ ...GET_OPTIONS, method: ["GET"], url: "/sparql", exposeHeadRoute: false, handler });
    scope.route({ ...UNDOCUMENTED, method: ["HEAD"], url: "/sparql", handler });
    scope.route({ ...POST_OPTIONS, method: ["POST"], url: "/sparql", handler });
    scope.options("/sparql", UNDOCUMENTED, async (_request, reply) =>
      reply.code(204).header("allow", METHODS).send(),
    );
  });
}

async function answerRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: SparqlDeps,
): Promise<FastifyReply> {
  // Caches must keep the formats apart.
  reply.header("vary", "accept");
  const asked = readSparqlRequest(request);
  if (asked.query === null) return sendServiceDescription(request, reply, deps.engine);
  const queryId = queryIdOf(request);
  const { userId, key, limits } = consumerOf(request, deps);
  const run = deps.live.runs.begin(`http:${key}`, queryId, userId);
  reply.header("query-id", queryId);
  const named = asked.endpointId === undefined ? {} : { endpointId: asked.endpointId };
  let opened: Opened | null = null;
  let release: (() => void) | undefined;
  if (deps.logQueries) {
    const fields = { query_id: queryId, request_id: request.id, kind: "sparql", text: asked.query };
    deps.log.info(fields, "a query begins");
  }
  const work = beginWork("query", singleHeader(request, "traceparent"), { "sparql_live.query_id": queryId });
  const events = deps.engine.answer(
    {
      ...(work.traceparent === undefined ? {} : { traceparent: work.traceparent }),
      sparql: asked.query,
      ...named,
      limit: limits.maxRows,
      // The headers are known before anything is executed.
      execute: request.method !== "HEAD",
    },
    run.signal,
  );
  onAnswerOver(reply, () => {
    if (!reply.raw.writableFinished) run.cancel("disconnected");
    release?.();
    run.end();
    deps.live.analytics.count(
      {
        kind: "sparql",
        text: asked.query ?? "",
        outcome: outcomeOf(reply),
        rowCount: opened?.answer.result()?.rowCount ?? 0,
        startedAtMs: run.startedAtMs,
        endedAtMs: Date.now(),
      },
      named,
    );
    work.end();
    // Where the document was not read to its end, nobody else ends the engine's work. What it throws on the way
    // out concerns nobody any more.
    events.return().catch(() => undefined);
  });
  release = await deps.live.queries?.turns.take(key, run.signal, () => undefined, limits.parallelQueries);
  opened = await open(request, events);
  return send(request, reply, opened, deps);
}

function outcomeOf(reply: FastifyReply): RunSummary["outcome"] {
  if (!reply.raw.writableFinished) return "cancelled";
  return reply.statusCode < 400 ? "completed" : "failed";
}

interface Opened {
  readonly answer: OpenedAnswer;
  readonly form: QueryForm;
  readonly chosen: Chosen<ResultFormat>;
}

async function open(request: FastifyRequest, events: ReturnType<Engine["answer"]>): Promise<Opened> {
  let known: Pick<Opened, "form" | "chosen"> | null = null;
  const answer = await openAnswer(events, (form) => {
    known = { form, chosen: negotiate(request, representationsOf(form)) };
  });
  if (known === null) throw new Error("the engine told no form");
  return { answer, ...(known as Pick<Opened, "form" | "chosen">) };
}

function send(request: FastifyRequest, reply: FastifyReply, opened: Opened, deps: SparqlDeps): FastifyReply {
  const { answer, chosen } = opened;
  reply.header("content-type", chosen.contentType);
  if (request.method === "HEAD") return reply.send();
  const known = answer.result();
  if (known !== null) reply.header(COMPLETENESS, completenessOf(known));
  else if (request.raw.httpVersionMinor > 0) {
    reply.trailer(COMPLETENESS, async () => {
      const result = answer.result();
      return result === null ? "partial" : completenessOf(result);
    });
  }
  return reply.send(Readable.from(document(opened, deps), { objectMode: false }));
}

/** The document as it grows. A failure on the way breaks it off: the headers are gone, so it must not end well. */
async function* document(
  { answer, form, chosen }: Opened,
  { live, log }: SparqlDeps,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* writeDocument(chosen.format, form, answer);
  } catch (error) {
    if (isFault(error)) {
      live.counters.errors++;
      log.error({ err: error }, "an answer broke off");
    }
    throw error;
  }
}

function completenessOf({ completeness, rowCount }: AnswerResult): string {
  const { status, reason } = completeness;
  return `${status}${reason === undefined ? "" : `; reason=${reason}`}; rows=${rowCount}`;
}

/** Throws `bad_request`. */
function queryIdOf(request: FastifyRequest): string {
  const given = singleHeader(request, "query-id");
  if (given === undefined) return randomUUID();
  if (given === "" || given.length > WIRE_LIMITS.maxIdCharacters) {
    throw new ProtocolFailure("bad_request", `Query-Id has 1 to ${WIRE_LIMITS.maxIdCharacters} characters.`);
  }
  return given;
}
