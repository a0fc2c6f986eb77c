import { type Codec, jsonCodec, type ServerMessage } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../../limits.js";
import { readFramed } from "../../realtime/read-frames.js";
import { measureChunk } from "./chunks.js";
import { createEventLog, type LogEntry, type ProgressEvent, type RunEvent } from "./event-log.js";
import { createRowChunk } from "./row-chunk.js";
import { createRunView, type RunView } from "./run-view.js";
import type { Watching } from "./watcher.js";

/** A run that is over, as it is stored: its messages as they were sent, in JSON. */
interface StoredRun extends Watching {
  readonly uid: string;
  readonly query_id: string;
  readonly room_id: string | null;
  readonly messages: readonly ServerMessage[];
}

/**
 * Encodes what is not encoded yet, so that no rows are held as objects, and settles with the run as text; with `null`
 * where that is too long. Lets others have their turn on the way.
 */
export async function encodeRun(
  view: RunView,
  { stream, credit }: Watching,
  maxBytes: number = SERVER_LIMITS.maxRunRecordBytes,
): Promise<string | null> {
  const messages: string[] = [];
  let bytes = 0;
  let turnBytes = 0;
  for (const entry of view.entries()) {
    const { byteLength, text } = textOf(view, entry, jsonCodec, bytes <= maxBytes);
    bytes += byteLength;
    turnBytes += byteLength;
    messages.push(text);
    if (turnBytes < SERVER_LIMITS.maxChunkBytes) continue;
    turnBytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (bytes > maxBytes) return null;
  const { uid, queryId, roomId } = view;
  const head = JSON.stringify({ uid, query_id: queryId, room_id: roomId, stream, credit });
  return `${head.slice(0, -1)},"messages":[${messages.join(",")}]}`;
}

function textOf(view: RunView, entry: LogEntry, codec: Codec, wanted: boolean) {
  const framed = view.message(entry).framed(codec);
  return { byteLength: framed.byteLength, text: wanted ? readFramed(framed).toString("utf8") : "" };
}

/** A run from what `encodeRun` made of it. */
export function decodeRun(text: string): { readonly view: RunView; readonly defaults: Watching } {
  // Written by ourselves, in a store that checks what it reads.
  const stored = JSON.parse(text) as StoredRun;
  const { uid, query_id: queryId, room_id: roomId, stream, credit } = stored;
  const entries = stored.messages.map((message) => entryOf(message, uid));
  const opening = entries[0]?.at === -1 ? entries.shift() : undefined;
  const view = createRunView({
    queryId,
    roomId,
    uid,
    ...(opening?.event.kind === "progress" ? { opening: opening.event, openedAtMs: opening.atMs } : {}),
  });
  view.show(createEventLog(SERVER_LIMITS.maxRunLogBytes, entries));
  return { view, defaults: { stream, credit } };
}

function entryOf(message: ServerMessage, uid: string): LogEntry {
  return {
    // Messages are numbered by their places, the opening being 0.
    at: Number(message.message_id.slice(uid.length + 1)) - 1,
    atMs: Math.round(message.timestamp * 1_000),
    event: eventOf(message),
  };
}

function eventOf(message: ServerMessage): RunEvent {
  switch (message.type) {
    case "query_progress":
      return { kind: "progress", ...unaddressed(message.payload) } satisfies ProgressEvent;
    case "query_rows": {
      const { seq, variables = null, rows } = message.payload;
      const { bytes } = measureChunk(rows, 0, rows.length, Number.POSITIVE_INFINITY);
      return { kind: "rows", chunk: createRowChunk({ seq, rows, variables, estimatedBytes: bytes }) };
    }
    case "query_result":
      return { kind: "result", payload: unaddressed(message.payload) };
    case "error_message":
      return { kind: "error", payload: unaddressed(message.payload) };
    case "query_cancelled":
      return { kind: "cancelled", ...unaddressed(message.payload) };
    default:
      throw new Error(`a stored run has a message of the type ${message.type}`);
  }
}

function unaddressed<P extends { query_id?: string; room_id?: string }>(
  payload: P,
): Omit<P, "query_id" | "room_id"> {
  const { query_id: _id, room_id: _room, ...rest } = payload;
  return rest;
}
