import { randomUUID } from "node:crypto";
import {
  type AnswerEvent,
  type AnswerRequest,
  type AnswerResult,
  type Binding,
  ENGINE_FAILURES,
  EngineFailure,
  type EngineFailureCode,
  type Stage,
} from "@sparql-live/engine";
import { jsonCodec, type ServerMessage, type ServerPayloads, WIRE_LIMITS } from "@sparql-live/protocol";
import { parseServerMessage } from "@sparql-live/protocol/validate";
import WebSocket from "ws";
import { UsageError } from "./exit.js";

const CONNECT_TIMEOUT_MS = 10_000;
/** How long a cancelled query may take to be confirmed before the socket is closed all the same. */
const CANCEL_GRACE_MS = 1_000;

/** Asks through a running server; the events are those that the engine would yield in this process. */
export async function* answerThroughServer(
  server: string,
  request: AnswerRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const url = socketUrl(server);
  const socket = new WebSocket(url, [jsonCodec.subprotocol], { handshakeTimeout: CONNECT_TIMEOUT_MS });
  const queryId = randomUUID();
  const inbox = createInbox(socket, url);
  const send = (type: string, payload: unknown) =>
    socket.send(
      jsonCodec.encode({
        type,
        message_id: type === "query_request" ? queryId : randomUUID(),
        payload,
      }) as string,
    );
  let cancelTimer: NodeJS.Timeout | undefined;
  const cancel = () => {
    if (socket.readyState === WebSocket.OPEN) send("query_cancel", { query_id: queryId });
    cancelTimer = setTimeout(() => socket.terminate(), CANCEL_GRACE_MS);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    let variables: readonly string[] = [];
    for await (const message of inbox.messages()) {
      if (message.type === "connection_ack") send("query_request", wireRequest(request));
      if (!("query_id" in message.payload) || message.payload.query_id !== queryId) continue;
      switch (message.type) {
        case "query_progress":
          if (message.payload.stage === "failed") break;
          yield { ...message.payload, kind: "progress", stage: message.payload.stage as Stage };
          if (message.payload.stage === "completed") return;
          break;
        case "query_rows":
          if (message.payload.variables !== undefined) {
            variables = message.payload.variables;
            yield { kind: "head", variables };
          }
          yield { kind: "rows", rows: message.payload.rows as readonly Binding[] };
          send("query_credit", { query_id: queryId, rows: message.payload.rows.length });
          break;
        case "query_result":
          yield { kind: "result", result: resultOf(message.payload, variables) };
          break;
        case "query_cancelled":
          throw new EngineFailure("query_cancelled", `The query was cancelled (${message.payload.reason}).`);
        case "error_message":
        case "validation_error":
          throw failureOf(message.payload);
      }
    }
    if (signal.aborted) throw new EngineFailure("query_cancelled", "The query was cancelled.");
    throw new EngineFailure(
      "endpoint_unavailable",
      `The server at ${url} closed the connection before the answer.`,
    );
  } finally {
    signal.removeEventListener("abort", cancel);
    clearTimeout(cancelTimer);
    // A paused socket would not read the other side's close and so hold the process for its time-out.
    socket.resume();
    socket.close(1000);
  }
}

/** `ws://host:port`, `http://…` and a bare `host:port` all lead to the query socket of that server. */
function socketUrl(server: string): string {
  const address = /^[a-z]+:\/\//i.test(server) ? server : `ws://${server}`;
  if (!URL.canParse(address))
    throw new UsageError(`"${server}" is not an address such as ws://127.0.0.1:8000`);
  const url = new URL(address);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new UsageError(`--server takes a ws:// or wss:// address, not ${url.protocol}//`);
  }
  if (url.pathname === "/") url.pathname = "/api/ws/query";
  return url.href;
}

function wireRequest(request: AnswerRequest) {
  return {
    natural_language: request.question,
    sparql: request.sparql,
    endpoint_id: request.endpointId,
    endpoint_url: request.endpointUrl,
    strategy: request.strategy,
    execute: request.execute,
    limit: request.limit,
    timeout: request.timeoutMs === undefined ? undefined : request.timeoutMs / 1_000,
    projection: request.projection,
    stream: true,
    credit: WIRE_LIMITS.defaultCreditRows,
  };
}

function resultOf(payload: ServerPayloads["query_result"], variables: readonly string[]): AnswerResult {
  const boolean = payload.results?.boolean;
  return {
    query: payload.query,
    form: boolean === undefined ? "select" : "ask",
    executed: payload.results !== null,
    variables: payload.results?.variables ?? variables,
    ...(boolean === undefined ? {} : { boolean }),
    rowCount: payload.row_count,
    executionTimeMs: payload.execution_time * 1_000,
    explanation: payload.explanation,
    confidence: payload.confidence,
    completeness: payload.completeness,
    links: payload.links as AnswerResult["links"],
    notUnderstood: payload.not_understood,
    alternatives: payload.alternatives.map(({ query, ...rest }) => ({ sparql: query, ...rest })),
    ...(payload.clarification === undefined ? {} : { clarification: payload.clarification }),
    warnings: payload.warnings as AnswerResult["warnings"],
  };
}

function failureOf(
  payload: ServerPayloads["error_message"] | ServerPayloads["validation_error"],
): EngineFailure {
  const code = Object.hasOwn(ENGINE_FAILURES, payload.code)
    ? (payload.code as EngineFailureCode)
    : "bad_request";
  const { line, column, detail } = "error_type" in payload ? payload : {};
  return new EngineFailure(code, payload.error, {
    ...(line === undefined || column === undefined ? {} : { place: { line, column } }),
    ...(detail === undefined ? {} : { detail }),
  });
}

/** Messages of a socket in their order, read at the caller's pace: the socket is paused while they wait. */
function createInbox(socket: WebSocket, url: string) {
  const waiting: ServerMessage[] = [];
  let ended = false;
  let failure: Error | undefined;
  let wake: () => void = () => {};
  socket.on("message", (data) => {
    try {
      waiting.push(parseServerMessage(jsonCodec.decode(String(data))));
      socket.pause();
    } catch (error) {
      failure = new EngineFailure(
        "upstream_bad_response",
        `${url} does not speak this protocol: ${String(error)}`,
      );
      socket.terminate();
    }
    wake();
  });
  socket.on("error", (error) => {
    failure ??= new EngineFailure(
      "endpoint_unavailable",
      `Cannot reach the server at ${url}: ${error.message}`,
    );
  });
  socket.on("close", () => {
    ended = true;
    wake();
  });
  return {
    async *messages(): AsyncGenerator<ServerMessage, void, undefined> {
      for (;;) {
        const message = waiting.shift();
        if (message !== undefined) {
          yield message;
          continue;
        }
        if (ended) {
          if (failure !== undefined) throw failure;
          return;
        }
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (socket.isPaused) socket.resume();
        await woken;
      }
    },
  };
}
