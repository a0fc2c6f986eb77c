import { setImmediate } from "node:timers/promises";
import { type Codec, jsonCodec, ProtocolFailure } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { parseServerMessage } from "@sparql-live/protocol/validate";
import { pino } from "pino";
import { vi } from "vitest";
import {
  createTextReplica,
  type TextReplica,
} from "../../../packages/server/src/documents/testing/text-replica.js";
import { type Live, openLive } from "../../../packages/server/src/live.js";
import { createMemoryStorage } from "../../../packages/server/src/memory-storage.js";
import {
  createMemoryTransport,
  type MemoryPeer,
} from "../../../packages/server/src/realtime/memory-transport.js";
import { STORAGE_BOUNDS } from "../../../packages/server/src/storage-bounds.js";
import { createNames, factsOf, type Names } from "./message-facts.js";
import { type ModelPosition, type NewModelRoom, type Told, toldKey } from "./model.js";

/** Entries that a room's log keeps. */
export const RETAINED_COUNT = 12;
const QUIET_TURNS_COUNT = 3;
const TURNS_COUNT = 1_000;
const NEVER_MS = 1_000_000_000;

/** A client over a transport in memory, which reads whatever comes. */
interface WorldClient {
  readonly index: number;
  readonly userId: string;
  readonly codec: Codec;
  peer: MemoryPeer | null;
  readCount: number;
  /** That of the newest connection, whose session may be given up for a former one. */
  greeting: string;
  /** Of its session, the newest last. */
  tokens: string[];
  /** Whether it is taken up: until then nothing of a room may come. */
  isReady: boolean;
  readonly replicas: Map<string, TextReplica>;
  /** Own updates that are not answered yet. */
  readonly edits: Map<string, { readonly roomId: string; readonly update: Uint8Array }>;
}

/** The server and its clients, with a clock that the test moves. */
export interface World {
  readonly live: Live;
  readonly clients: readonly WorldClient[];
  readonly names: Names;
  /** What the server logged as a fault, and what a client should not have seen. */
  readonly complaints: string[];
  /** What came since it was last emptied, by client and room. */
  readonly told: Map<string, Told[]>;
  createRoom(room: NewModelRoom, epoch: string): Promise<string | null>;
  deleteRoom(roomId: string): Promise<string | null>;
  connect(index: number): void;
  /** Through a new socket; one that is open stays open, for the server to close. */
  resume(index: number, token: string, positions: ReadonlyMap<string, ModelPosition>): void;
  close(index: number, code: 1000 | 1006): void;
  send(index: number, type: string, payload: object, id: string): void;
  /** Edits without taking it in before the answer. */
  edit(index: number, roomId: string, id: string, makeUpdate: (replica: TextReplica) => Uint8Array): void;
  passTime(ms: number): void;
  /** Until nothing more comes. */
  settle(): Promise<void>;
  end(): Promise<void>;
}

export async function openWorld(userIds: readonly string[]): Promise<World> {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  const complaints: string[] = [];
  const live = await openLive({
    engine: null,
    storage: createMemoryStorage({
      bounds: { roomLogs: { ...STORAGE_BOUNDS.roomLogs, maxEntriesCount: RETAINED_COUNT } },
    }),
    log: pino({ level: "error" }, { write: (line: string) => void complaints.push(line) }),
    ...{ rateLimitPerMinute: 0, heartbeatIntervalMs: NEVER_MS, heartbeatTimeoutMs: NEVER_MS },
    ...{ presenceGraceMs: 15_000, resumeWindowMs: 125_000, emptyRoomMs: 200_000 },
  });
  const clients = userIds.map(
    (userId, index): WorldClient => ({
      ...{ index, userId, codec: index % 2 === 0 ? jsonCodec : msgpackCodec },
      ...{
        peer: null,
        readCount: 0,
        greeting: "",
        tokens: [],
        isReady: false,
        replicas: new Map(),
        edits: new Map(),
      },
    }),
  );
  const names = createNames();
  const told = new Map<string, Told[]>();
  const replaced: MemoryPeer[] = [];
  const clientAt = (index: number): WorldClient => {
    const client = clients[index];
    if (client === undefined) throw new RangeError(`There is no client ${index}`);
    return client;
  };

  const open = (client: WorldClient) => {
    const { transport, peer } = createMemoryTransport();
    client.peer = peer;
    client.readCount = 0;
    client.edits.clear();
    const connection = live.connect(transport, client.codec, { userId: client.userId });
    if (connection !== null) names.connected(connection.id);
  };
  const take = (client: WorldClient, frame: string | Uint8Array) => {
    const message = parseServerMessage(client.codec.decode(frame));
    if (message.type === "connection_ack") {
      client.greeting = message.payload.session.resume_token;
      if (client.isReady) client.tokens = [client.greeting];
    }
    if (message.type === "resumed") {
      client.isReady = true;
      const { session, resume_token: token } = message.payload;
      client.tokens = [...(session ? client.tokens : [client.greeting]), token];
    }
    takeDocument(client, message);
    const { roomId, facts } = factsOf(message, names);
    if (roomId !== null && !client.isReady) complaints.push(`${facts.type} before resumed`);
    const key = toldKey(client.index, roomId);
    told.set(key, [...(told.get(key) ?? []), facts]);
  };
  const readAll = (): number => {
    let count = 0;
    for (const client of clients) {
      for (const frame of client.peer?.messages.slice(client.readCount) ?? []) {
        take(client, frame);
        client.readCount++;
        count++;
      }
    }
    return count;
  };
  const send = (index: number, type: string, payload: object, id: string) => {
    const client = clientAt(index);
    client.peer?.send(client.codec.encode({ type, payload, message_id: id }));
  };

  return {
    ...{ live, clients, names, complaints, told, send },
    async createRoom({ id, ownerId, isPublic, maxUsersCount: maxMembersCount, defaultRole }, epoch) {
      const code = await codeOf(
        live.controls.createRoom({ id, ownerId, isPublic, maxMembersCount, defaultRole }),
      );
      if (code !== null) return code;
      names.created((await live.broker.logs.head(`room:${id}`)).epoch, epoch);
      names.invites.set(id, (await live.rooms.find(id))?.invite ?? null);
      return null;
    },
    deleteRoom: (roomId) => codeOf(live.controls.deleteRoom(roomId)),
    connect(index) {
      const client = clientAt(index);
      client.isReady = true;
      client.replicas.clear();
      open(client);
    },
    resume(index, token, positions) {
      const client = clientAt(index);
      if (client.peer !== null) replaced.push(client.peer);
      client.isReady = false;
      open(client);
      const rooms = Object.fromEntries(
        [...positions].map(([id, { epoch, seq }]) => [id, { epoch: names.epochNamed(epoch), seq }]),
      );
      send(index, "resume", { resume_token: token, positions: { rooms } }, "resume");
    },
    close(index, code) {
      const client = clientAt(index);
      client.peer?.close(code);
      client.peer = null;
      if (code === 1000) client.tokens = [];
    },
    edit(index, roomId, id, makeUpdate) {
      const client = clientAt(index);
      const update = makeUpdate(client.replicas.get(roomId) ?? createTextReplica());
      client.edits.set(id, { roomId, update });
      const sent = client.codec.binary ? update : Buffer.from(update).toString("base64");
      send(index, "document_update", { room_id: roomId, update: sent }, id);
    },
    passTime: (ms) => void vi.advanceTimersByTime(ms),
    async settle() {
      let quietCount = 0;
      for (let turn = 0; turn < TURNS_COUNT && quietCount < QUIET_TURNS_COUNT; turn++) {
        await setImmediate();
        quietCount = readAll() === 0 ? quietCount + 1 : 0;
      }
      for (const { peer, index } of clients) {
        if (peer !== null && peer.closed !== null)
          complaints.push(`${index} was closed: ${peer.closed.reason}`);
      }
      for (const { closed } of replaced.splice(0)) {
        if (closed?.code !== 4409) complaints.push(`a replaced socket was closed with ${closed?.code}`);
      }
    },
    async end() {
      await live.close();
      vi.useRealTimers();
    },
  };
}

function takeDocument(client: WorldClient, message: ReturnType<typeof parseServerMessage>): void {
  const { replicas, edits } = client;
  if (message.type === "join_room" || (message.type === "room_state" && message.payload.recovered === false))
    replicas.set(message.payload.room_id, createTextReplica());
  if (message.type === "document_update") {
    const { update, room_id: roomId } = message.payload;
    replicas
      .get(roomId)
      ?.take(typeof update === "string" ? Buffer.from(update, "base64") : (update ?? Buffer.alloc(0)));
  }
  if (message.type !== "ack" || message.payload.message_id === undefined) return;
  const edit = edits.get(message.payload.message_id);
  if (edit !== undefined) replicas.get(edit.roomId)?.take(edit.update);
}

/** `null` where it was done. Rejects with what is no answer. */
async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof ProtocolFailure) return error.code;
    throw error;
  }
}
