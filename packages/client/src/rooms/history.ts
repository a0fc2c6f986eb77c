import { errorOf, SparqlLiveError } from "../errors.js";
import { newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { MessageOf, RefusalMessage, Send } from "../messages.js";
import { type WaitOptions, withinTime, withResolvers } from "../waiting.js";
import { entryOf, type RoomEntry } from "./entries.js";
import type { Sealer } from "./seal.js";

export interface HistoryOptions extends WaitOptions {
  /** The `seq` after which to begin. Default 0: from the oldest that is kept. */
  readonly since?: number | undefined;
  /** At most 1,000, the default. */
  readonly limit?: number | undefined;
}

export interface HistoryPage {
  readonly epoch: string;
  /** Of the last entry that was read: `since` of the next page. */
  readonly seq: number;
  /** Messages alone; those that this connection sent itself stand in `Room.messages`, not here. */
  readonly entries: readonly RoomEntry[];
  /** `false`: older entries than these are not kept any more. */
  readonly recovered: boolean;
  readonly more: boolean;
}

/** Reads what is kept of a room's log, beside what comes live. */
export interface HistoryReader {
  read(options?: HistoryOptions): Promise<HistoryPage>;
  /** Shows it every message of the room before the log takes it. Returns whether it was an answer to `read`. */
  see(message: Seen): boolean;
  rejectAll(error: SparqlLiveError): void;
}

type Seen =
  | MessageOf<"room_history">
  | MessageOf<"room_message">
  | MessageOf<"document_update">
  | MessageOf<"ack">
  | RefusalMessage;

interface Reading {
  page: Omit<HistoryPage, "entries"> | null;
  readonly since: number;
  /** `null`: it cannot be opened. */
  readonly entries: (RoomEntry | null | Promise<RoomEntry | null>)[];
  readonly resolve: (page: Promise<HistoryPage>) => void;
  readonly reject: (error: SparqlLiveError) => void;
}

/** `onUnreadable`: what was sealed with another secret is left out. */
export function createHistoryReader(
  roomId: string,
  send: Send,
  sealer: Sealer | null,
  onUnreadable: (error: unknown) => void,
): HistoryReader {
  const readings = new Map<string, Reading>();
  const tellUnreadable = (error: unknown) => {
    onUnreadable(error);
    return null;
  };

  const finish = (id: string, { page, entries, resolve }: Reading) => {
    readings.delete(id);
    if (page !== null)
      resolve(
        Promise.all(entries).then((opened) => ({
          ...page,
          entries: opened.filter((entry) => entry !== null),
        })),
      );
  };
  const begin = (id: string, reading: Reading, { payload }: MessageOf<"room_history">) => {
    const { epoch, seq, recovered, more } = payload;
    reading.page = { epoch, seq, recovered, more };
    if (seq === reading.since) finish(id, reading);
  };
  const collect = (message: Exclude<Seen, MessageOf<"room_history"> | RefusalMessage>) => {
    const { epoch, seq } = message.payload;
    for (const [id, reading] of readings) {
      const { page, since } = reading;
      if (page === null || page.epoch !== epoch || seq <= since || seq > page.seq) continue;
      if (message.type === "room_message") {
        const entry = entryOf(message.payload, sealer);
        reading.entries.push(entry instanceof Promise ? entry.catch(tellUnreadable) : entry);
      }
      if (seq === page.seq) finish(id, reading);
      return;
    }
  };

  return {
    read({ since = 0, limit, signal, timeoutMs = CLIENT_LIMITS.requestTimeoutMs } = {}) {
      const id = newId();
      const { promise, resolve, reject } = withResolvers<HistoryPage | Promise<HistoryPage>>();
      const payload = { room_id: roomId, since, ...(limit === undefined ? {} : { limit }) };
      readings.set(id, { page: null, since, entries: [], resolve, reject });
      if (!send("room_history", payload, { message_id: id })) {
        reject(new SparqlLiveError("connection_closed", "There is no connection to read the history over."));
      }
      const page = withinTime(
        Promise.resolve(promise),
        { signal, timeoutMs },
        "The history did not come in time.",
      );
      return page.finally(() => void readings.delete(id));
    },
    see(message) {
      if (message.type === "room_message" || message.type === "document_update" || message.type === "ack") {
        collect(message);
        return false;
      }
      const id = message.correlation_id ?? "";
      const reading = readings.get(id);
      if (reading === undefined) return false;
      if (message.type === "room_history") begin(id, reading, message);
      else reading.reject(errorOf(message.payload));
      return true;
    },
    rejectAll(error) {
      for (const reading of readings.values()) reading.reject(error);
    },
  };
}
