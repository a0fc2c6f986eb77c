import type { Broker, LogName } from "../broker.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Controls } from "../realtime/controls.js";
import { decodeEntry, encodeEntry, entryIdOf, NOBODY, type RoomEntry } from "../realtime/rooms/entries.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import { runKey } from "../realtime/runs.js";
import type { RoomRecord, Store } from "../store.js";

/** One thing that is stored of a user, discriminated by `kind`. */
export type UserDatum =
  | {
      readonly kind: "room";
      readonly room_id: string;
      readonly name: string;
      readonly role: "owner" | "editor" | "viewer" | "banned";
    }
  | {
      readonly kind: "message";
      readonly room_id: string;
      readonly epoch: string;
      readonly seq: number;
      readonly at: string;
      readonly message?: unknown;
      readonly sealed?: string;
    }
  | {
      readonly kind: "run";
      readonly room_id: string | null;
      readonly query_id: string;
      readonly text: string;
      readonly started_at: string;
      readonly outcome: string;
    }
  | {
      readonly kind: "notification";
      readonly message_id: string;
      readonly at: string;
      readonly data: unknown;
    }
  | {
      readonly kind: "endpoint";
      readonly endpoint_id: string;
      readonly title: string;
      readonly url: string;
      readonly has_credentials: boolean;
    };

export interface ErasedCounts {
  readonly messages: number;
  readonly rooms_deleted: number;
  readonly rooms_handed_over: number;
}

/** What is stored of a user: to be taken along, and to be erased. */
export interface UserData {
  export(userId: string): AsyncGenerator<UserDatum, void, undefined>;
  /**
   * Ends the user's connections and erases what is stored of the user: messages leave their places empty, rooms go to
   * the first of their editors by name, or are deleted where they name none. Settles when nothing is left in the file.
   * What is in progress meanwhile (a query, a message) is remembered when it is done: call it for who is away.
   * Bans stay, and so do the text of documents and what was sealed in updates of documents.
   */
  erase(userId: string): Promise<ErasedCounts>;
}

export interface UserDataDeps {
  readonly broker: Pick<Broker, "logs" | "queues" | "runs">;
  readonly store: Store;
  readonly rooms: Pick<Rooms, "list" | "open" | "delete">;
  readonly controls: Pick<Controls, "disconnectUser">;
}

/** An entry of a user in the log of a room. */
interface OwnEntry {
  readonly epoch: string;
  readonly seq: number;
  readonly atMs: number;
  readonly entry: RoomEntry;
}

export function createUserData({ broker, store, rooms, controls }: UserDataDeps): UserData {
  const eachRoom = () => roomsOf(rooms);
  const runsOf = (userId: string) => store.history.ofUser(userId, SERVER_LIMITS.maxExportedRunsCount);

  /** Tombstones for messages; updates of a document stay, by nobody. Returns how many messages there were. */
  const eraseMessages = async (userId: string, room: RoomRecord): Promise<number> => {
    const name: LogName = `room:${room.id}`;
    let count = 0;
    for await (const { seq, entry } of entriesOf(broker, name, userId)) {
      const erased = erasedOf(entry);
      if (erased === null) continue;
      await broker.logs.replace(name, seq, {
        id: entryIdOf("", `\nerased-${seq}`),
        data: encodeEntry(erased),
      });
      if (erased.kind === "erased") count++;
    }
    return count;
  };
  const eraseRuns = async (userId: string, created: ReadonlyMap<string, number>) => {
    for (const { queryId, roomId } of await runsOf(userId)) {
      const scope =
        roomId === null ? (`user:${userId}` as const) : (`room:${roomId}:${created.get(roomId)}` as const);
      await broker.runs.delete(runKey(scope, queryId));
    }
    await store.history.deleteUser(userId);
  };
  const leaveRoom = async (userId: string, room: RoomRecord): Promise<"deleted" | "handed over" | null> => {
    const roles = new Map(Object.entries(room.roles));
    const hadRole = roles.delete(userId);
    if (room.ownerId !== userId) {
      if (hadRole) await (await rooms.open(room.id)).change(() => ({ roles: Object.fromEntries(roles) }));
      return null;
    }
    const [heir] = [...roles].find(([, role]) => role === "editor") ?? [];
    if (heir === undefined) {
      await rooms.delete(room.id);
      return "deleted";
    }
    roles.delete(heir);
    await (await rooms.open(room.id)).change(() => ({ ownerId: heir, roles: Object.fromEntries(roles) }));
    return "handed over";
  };

  return {
    async *export(userId) {
      for await (const room of eachRoom()) {
        const role = roleIn(room, userId);
        if (role !== null) yield { kind: "room", room_id: room.id, name: room.name, role };
        for await (const own of entriesOf(broker, `room:${room.id}`, userId)) {
          const told = toldMessage(room.id, own);
          if (told !== null) yield told;
        }
      }
      for (const { roomId, queryId, text, startedAtMs, outcome } of await runsOf(userId)) {
        const startedAt = new Date(startedAtMs).toISOString();
        yield { kind: "run", room_id: roomId, query_id: queryId, text, started_at: startedAt, outcome };
      }
      for (const { id, atMs, data } of (await broker.queues.list(userId)).entries) {
        const at = new Date(atMs).toISOString();
        yield { kind: "notification", message_id: id, at, data: JSON.parse(data) as unknown };
      }
      for (const { id, title, url, credentials } of await store.endpoints.ofUser(userId)) {
        yield { kind: "endpoint", endpoint_id: id, title, url, has_credentials: credentials !== null };
      }
    },
    async erase(userId) {
      controls.disconnectUser(userId);
      const counts = { messages: 0, rooms_deleted: 0, rooms_handed_over: 0 };
      const all: RoomRecord[] = [];
      for await (const room of eachRoom()) all.push(room);
      await eraseRuns(userId, new Map(all.map(({ id, createdAtMs }) => [id, createdAtMs])));
      for (const room of all) {
        const outcome = await leaveRoom(userId, room);
        if (outcome === "deleted") counts.rooms_deleted++;
        else counts.messages += await eraseMessages(userId, room);
        if (outcome === "handed over") counts.rooms_handed_over++;
      }
      await broker.queues.delete(userId);
      await store.endpoints.deleteUser(userId);
      await store.scrub();
      return counts;
    },
  };
}

async function* roomsOf(rooms: Pick<Rooms, "list">): AsyncGenerator<RoomRecord, void, undefined> {
  const { roomScanPageCount: limit, roomScanPagesCount } = SERVER_LIMITS;
  for (let page = 0; page < roomScanPagesCount; page++) {
    const records = await rooms.list({ offset: page * limit, limit });
    yield* records;
    if (records.length < limit) return;
  }
}

async function* entriesOf(
  { logs }: Pick<Broker, "logs">,
  name: LogName,
  userId: string,
): AsyncGenerator<OwnEntry, void, undefined> {
  const page = { maxCount: SERVER_LIMITS.replayPageCount, maxBytes: SERVER_LIMITS.replayPageBytes };
  // Those that a snapshot is still to cover, beyond the window.
  const { epoch: current, firstSeq, pinned } = await logs.state(name);
  for (const { seq, atMs, data } of pinned) {
    const entry = decodeEntry(data);
    if (seq < firstSeq && entry.author.userId === userId) yield { epoch: current, seq, atMs, entry };
  }
  let since = 0;
  for (let count = 0; count < SERVER_LIMITS.replayPagesCount; count++) {
    const { epoch, entries } = await logs.read(name, since, page);
    for (const { seq, atMs, data } of entries) {
      const entry = decodeEntry(data);
      if (entry.author.userId === userId) yield { epoch, seq, atMs, entry };
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    since = last.seq;
  }
}

/** `null`: it stays. A sealed update is bound to its author, and opened by nobody without. */
function erasedOf(entry: RoomEntry): RoomEntry | null {
  switch (entry.kind) {
    case "message":
    case "sealed-message":
      return { kind: "erased", author: NOBODY };
    case "document":
      return { ...entry, author: NOBODY };
    case "sealed-update":
    case "erased":
      return null;
  }
}

function toldMessage(roomId: string, { epoch, seq, atMs, entry }: OwnEntry): UserDatum | null {
  const place = { kind: "message", room_id: roomId, epoch, seq, at: new Date(atMs).toISOString() } as const;
  if (entry.kind === "message") return { ...place, message: entry.message };
  return entry.kind === "sealed-message" ? { ...place, sealed: entry.sealed } : null;
}

function roleIn(room: RoomRecord, userId: string): "owner" | "editor" | "viewer" | "banned" | null {
  if (room.ownerId === userId) return "owner";
  if (room.bannedUserIds.includes(userId)) return "banned";
  return new Map(Object.entries(room.roles)).get(userId) ?? null;
}
