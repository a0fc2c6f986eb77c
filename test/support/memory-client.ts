import type { Codec } from "@sparql-live/protocol";
import { parseServerMessage } from "@sparql-live/protocol/validate";
import type { Live } from "../../packages/server/src/live.js";
import {
  createMemoryTransport,
  type MemoryPeer,
} from "../../packages/server/src/realtime/memory-transport.js";
import type { HistoryChecker } from "./history-checker.js";
import { createRoomSession, type RoomSession } from "./room-session.js";

interface Link {
  readonly peer: MemoryPeer;
  readCount: number;
  /** As the server told it. */
  connectionId: string | null;
  /** Another socket resumed its session. */
  isReplaced: boolean;
}

/** A client over transports in memory, every move of which its test decides. */
export interface MemoryClient {
  readonly session: RoomSession;
  readonly isConnected: boolean;
  /** What should not have happened. */
  readonly complaints: readonly string[];
  /** Through a new transport; one that is open stays open and is not read any more. */
  connect(): void;
  /** Takes in at most so many of the messages that have come. */
  read(maxCount: number): void;
  /** The network is cut: what was not read is lost. */
  lose(): void;
  /** The network is cut, and the client does not know it yet: what it does is lost. */
  loseAfter(work: () => void): void;
  /** Closes with 1000 and begins a new session. */
  close(): void;
  /** Comes back with a token that was good before, if there was one. */
  useFormerToken(): void;
  useToken(token: string): void;
  /** Cuts what was left open; complains where a socket that was replaced was not closed with 4409. */
  finish(): void;
}

export interface MemoryClientOptions {
  readonly live: Live;
  readonly name: string;
  readonly userId: string;
  readonly codec: Codec;
  readonly checker: HistoryChecker;
}

export function createMemoryClient(options: MemoryClientOptions): MemoryClient {
  const { live, userId, codec, checker } = options;
  const complaints: string[] = [];
  let generation = 0;
  let session = createRoomSession({ name: options.name, checker });
  let link: Link | null = null;
  let tokens: string[] = [];
  let left: Link[] = [];

  const drop = () => {
    session.detach();
    link?.peer.close(1006);
    link = null;
  };

  const take = (from: Link, frame: string | Uint8Array) => {
    const message = parseServerMessage(codec.decode(frame));
    if (message.type === "connection_ack") from.connectionId = message.payload.connection_id;
    if (message.type === "resumed") {
      from.connectionId = message.payload.connection_id;
      for (const other of left) if (other.connectionId === from.connectionId) other.isReplaced = true;
    }
    session.receive(message);
    if (session.resumeToken !== null && tokens.at(-1) !== session.resumeToken)
      tokens.push(session.resumeToken);
    from.readCount++;
  };

  return {
    get session() {
      return session;
    },
    get isConnected() {
      return link !== null;
    },
    complaints,
    connect() {
      if (link !== null) left.push(link);
      session.detach();
      const { transport, peer } = createMemoryTransport();
      link = { peer, readCount: 0, connectionId: null, isReplaced: false };
      session.attach((message) => {
        if (peer.closed === null) peer.send(codec.encode(message));
      });
      live.connect(transport, codec, { userId, isModern: true });
    },
    read(maxCount) {
      const from = link;
      if (from === null) return;
      for (const frame of from.peer.messages.slice(from.readCount, from.readCount + maxCount))
        take(from, frame);
      const { closed, messages } = from.peer;
      if (closed === null || from.readCount < messages.length) return;
      complaints.push(`${session.name} was closed with ${closed.code} ${closed.reason}`);
      drop();
    },
    lose: drop,
    loseAfter(work) {
      link?.peer.close(1006);
      work();
      drop();
    },
    close() {
      link?.peer.close(1000);
      link = null;
      session.end();
      session = createRoomSession({ name: `${options.name}.${++generation}`, checker });
      tokens = [];
    },
    useFormerToken() {
      session.resumeToken = tokens.at(-2) ?? session.resumeToken;
    },
    useToken(token) {
      if (session.resumeToken !== null) session.resumeToken = token;
    },
    finish() {
      for (const { peer, isReplaced } of left) {
        if (isReplaced && peer.closed?.code !== 4409) {
          complaints.push(
            `${session.name}: a replaced socket was closed with ${peer.closed?.code ?? "nothing"}`,
          );
        }
        if (peer.closed === null) peer.close(1006);
      }
      left = [];
    },
  };
}
