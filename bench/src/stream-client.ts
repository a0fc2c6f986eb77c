/**
 * The reader of the streaming benchmark, in a process of its own: what it does must not be billed to the event loop
 * of the server. It takes one task at a time over the channel that `fork` opened, and answers each with its figures.
 */
import { once } from "node:events";
import type { ServerMessage } from "@sparql-live/protocol";
import { WebSocket } from "ws";

export interface StreamRequest {
  readonly sparql: string;
  readonly limit: number;
  readonly timeoutSeconds: number;
  /** Rows that the server may send before more are granted. */
  readonly creditRows: number;
  /** How long the reader thinks over what it was granted before it grants the same again; 0: it grants as rows come. */
  readonly pauseMs: number;
}

export type ClientTask =
  | { readonly kind: "connect"; readonly url: string }
  /** Reads the first rows, then cancels. */
  | { readonly kind: "first"; readonly request: StreamRequest }
  /** Reads to the end, while so many other connections ping. */
  | { readonly kind: "read"; readonly request: StreamRequest; readonly pingers: number }
  /** Reads what the credit allows and leaves the query there. */
  | { readonly kind: "hold"; readonly request: StreamRequest }
  /** Grants the held query so many rows, awaits them, and cancels. */
  | { readonly kind: "resume"; readonly rows: number }
  /** Starts `holders` endless queries, cancels the first, and then asks `next`. */
  | {
      readonly kind: "cancel";
      readonly endless: StreamRequest;
      readonly holders: number;
      readonly next: StreamRequest;
    };

export interface ClientFigures {
  readonly rows: number;
  readonly firstRowsMs: number;
  /** To the terminal event. */
  readonly totalMs: number;
  /** How the run ended: `completed`, `cancelled`, or the code of its failure. */
  readonly outcome: string;
  /** From `query_cancel` to `query_cancelled`. */
  readonly cancelMs: number;
  /** From `query_cancel` to the first rows of the next query. */
  readonly nextRowsMs: number;
  readonly pongMs: readonly number[];
}

export type ClientReply = { readonly figures: Partial<ClientFigures> } | { readonly error: string };

const PING_INTERVAL_MS = 50;
const ENDLESS_HEAD_START_MS = 300;

/** A query in progress, as its reader sees it. */
interface Reading {
  readonly request: StreamRequest;
  readonly startedAt: number;
  rows: number;
  grantedRows: number;
  firstRowsAt: number;
  endedAt: number;
  outcome: string;
  /** What the server said of a failure. */
  failure: string;
  /** Called after every change. */
  changed: () => void;
}

const readings = new Map<string, Reading>();
let url = "";
let socket: WebSocket | null = null;
let lastId = 0;
let held = "";

function send(type: string, payload: unknown, id?: string): void {
  socket?.send(JSON.stringify({ type, ...(id === undefined ? {} : { message_id: id }), payload }));
}

function start(request: StreamRequest): string {
  lastId += 1;
  const id = `q${lastId}`;
  const { sparql, limit, creditRows, timeoutSeconds } = request;
  readings.set(id, {
    request,
    startedAt: performance.now(),
    rows: 0,
    grantedRows: creditRows,
    firstRowsAt: Number.NaN,
    endedAt: Number.NaN,
    outcome: "",
    failure: "",
    changed: () => undefined,
  });
  send("query_request", { sparql, limit, stream: true, credit: creditRows, timeout: timeoutSeconds }, id);
  return id;
}

function take({ type, payload }: ServerMessage): void {
  const reading = "query_id" in payload ? readings.get(payload.query_id ?? "") : undefined;
  if (reading === undefined) return;
  const end = (outcome: string) => {
    reading.endedAt = performance.now();
    reading.outcome ||= outcome;
  };
  if (type === "query_rows") {
    if (reading.rows === 0) reading.firstRowsAt = performance.now();
    reading.rows += payload.rows.length;
    grantMore(payload.query_id, reading, payload.rows.length);
  } else if (type === "query_cancelled") end("cancelled");
  else if (type === "error_message") {
    reading.outcome = payload.code;
    reading.failure = `${payload.error} ${payload.detail ?? ""}`;
  } else if (type === "query_progress" && ["completed", "failed"].includes(payload.stage)) end(payload.stage);
  reading.changed();
}

function grantMore(id: string, reading: Reading, cameRows: number): void {
  const { creditRows, pauseMs } = reading.request;
  const grant = (rows: number) => {
    reading.grantedRows += rows;
    send("query_credit", { query_id: id, rows });
  };
  if (id === held) return;
  if (pauseMs === 0) grant(cameRows);
  else if (reading.rows >= reading.grantedRows) setTimeout(grant, pauseMs, creditRows);
}

/** Settles with the reading once it is so; rejects where it ends before. */
function until(id: string, isSo: (reading: Reading) => boolean): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const reading = readings.get(id);
    if (reading === undefined) return reject(new Error(`There is no query ${id}.`));
    reading.changed = () => {
      if (isSo(reading)) resolve(reading);
      else if (hasEnded(reading))
        reject(new Error(`Query ${id} ended early: ${reading.outcome} ${reading.failure}`));
    };
    reading.changed();
  });
}

function hasEnded({ endedAt }: Reading): boolean {
  return !Number.isNaN(endedAt);
}

async function cancel(id: string): Promise<void> {
  send("query_cancel", { query_id: id });
  await until(id, hasEnded);
  readings.delete(id);
}

async function open(): Promise<WebSocket> {
  const opened = new WebSocket(url);
  await once(opened, "open");
  return opened;
}

/** Pings until told to stop, and hands out how long the pongs took. */
async function startPinger(): Promise<() => readonly number[]> {
  const pinger = await open();
  const pongMs: number[] = [];
  let sentAt = 0;
  pinger.on("message", (data: Buffer) => {
    if ((JSON.parse(data.toString()) as ServerMessage).type !== "pong" || sentAt === 0) return;
    pongMs.push(performance.now() - sentAt);
    sentAt = 0;
  });
  const timer = setInterval(() => {
    if (sentAt !== 0) return;
    sentAt = performance.now();
    pinger.send('{"type":"ping"}');
  }, PING_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    pinger.terminate();
    return pongMs;
  };
}

async function measureCancel({
  endless,
  holders,
  next,
}: Extract<ClientTask, { readonly kind: "cancel" }>): Promise<Partial<ClientFigures>> {
  const ids = Array.from({ length: holders }, () => start(endless));
  await new Promise((resolve) => setTimeout(resolve, ENDLESS_HEAD_START_MS));
  const [first = "", ...others] = ids;
  const cancelledAt = performance.now();
  await cancel(first);
  const cancelMs = performance.now() - cancelledAt;
  const nextId = start(next);
  const { firstRowsAt } = await until(nextId, ({ rows }) => rows > 0);
  for (const id of [nextId, ...others]) await cancel(id);
  return { cancelMs, nextRowsMs: firstRowsAt - cancelledAt };
}

async function perform(task: ClientTask): Promise<Partial<ClientFigures>> {
  switch (task.kind) {
    case "connect":
      url = task.url;
      socket = await open();
      socket.on("message", (data: Buffer) => take(JSON.parse(data.toString()) as ServerMessage));
      socket.on("close", (code) => process.exit(code === 1012 ? 0 : 1));
      return {};
    case "first": {
      const id = start(task.request);
      const { firstRowsAt, startedAt } = await until(id, ({ rows }) => rows > 0);
      await cancel(id);
      return { firstRowsMs: firstRowsAt - startedAt };
    }
    case "read": {
      const stops = await Promise.all(Array.from({ length: task.pingers }, startPinger));
      const id = start(task.request);
      const { rows, startedAt, firstRowsAt, endedAt, outcome } = await until(id, hasEnded);
      readings.delete(id);
      const pongMs = stops.flatMap((stop) => stop());
      return { rows, firstRowsMs: firstRowsAt - startedAt, totalMs: endedAt - startedAt, outcome, pongMs };
    }
    case "hold": {
      held = start(task.request);
      const { rows } = await until(held, (reading) => reading.rows >= reading.grantedRows);
      return { rows };
    }
    case "resume": {
      const wanted = (readings.get(held)?.rows ?? 0) + task.rows;
      send("query_credit", { query_id: held, rows: task.rows });
      const { rows } = await until(held, (reading) => reading.rows >= wanted);
      await cancel(held);
      return { rows };
    }
    case "cancel":
      return await measureCancel(task);
  }
}

process.on("message", (task: ClientTask) => {
  perform(task).then(
    (figures) => process.send?.({ figures } satisfies ClientReply),
    (error: unknown) => process.send?.({ error: String(error) } satisfies ClientReply),
  );
});
// The benchmark went: nobody is left to read for.
process.on("disconnect", () => process.exit(0));
