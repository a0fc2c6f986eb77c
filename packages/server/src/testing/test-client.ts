import { once } from "node:events";
import { type Codec, jsonCodec, type ServerMessage, type ServerMessageType } from "@sparql-live/protocol";
import { msgpackCodec } from "@sparql-live/protocol/msgpack";
import { SERVER_PAYLOADS } from "@sparql-live/protocol/schemas";
import {
  type MessageDefinition,
  type MessageOfDefinition,
  parseServerMessage,
} from "@sparql-live/protocol/validate";
import { type ClientOptions, WebSocket } from "ws";

type MessageOf<T extends ServerMessageType> = Extract<ServerMessage, { readonly type: T }>;

/** A client that keeps every message until it is asked for, so that none is missed. */
export interface TestClient extends AsyncDisposable {
  readonly socket: WebSocket;
  /** Every message of the protocol that came, in order, also what was taken. */
  readonly log: readonly ServerMessage[];
  /** Those of other types too. */
  readonly raw: readonly unknown[];
  sendRaw(frame: string | Uint8Array): void;
  send(type: string, payload?: unknown, framing?: Record<string, unknown>): void;
  /** The next message of a type (and, where given, of a query); others that come before are skipped. */
  next<T extends ServerMessageType>(type: T, queryId?: string): Promise<MessageOf<T>>;
  /** The next message of a type of an application. */
  nextCustom<D extends MessageDefinition>(definition: D): Promise<MessageOfDefinition<D>>;
  /** The next message of any of these types. */
  nextOf<T extends ServerMessageType>(...types: readonly T[]): Promise<MessageOf<T>>;
  /** All messages of a query up to its terminal event. */
  run(queryId: string): Promise<ServerMessage[]>;
  /** The code and the reason of the close. */
  closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export async function openClient(
  url: string,
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<TestClient> {
  const socket = new WebSocket(url, protocols, options);
  const codec: Codec = protocols.includes("sparql-live.v1.msgpack") ? msgpackCodec : jsonCodec;
  const log: ServerMessage[] = [];
  const raw: unknown[] = [];
  let cursor = 0;
  let rawCursor = 0;
  let changed: (() => void)[] = [];
  const notify = () => {
    for (const wake of changed) wake();
    changed = [];
  };
  const change = () => new Promise<void>((resolve) => changed.push(resolve));
  let closedWith: { code: number; reason: string } | null = null;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      closedWith = { code, reason: reason.toString() };
      resolve(closedWith);
      notify();
    });
  });
  socket.on("message", (data: Buffer, isBinary) => {
    const value = codec.decode(isBinary ? data : data.toString("utf8"));
    raw.push(value);
    if (!isForeign(value)) log.push(parseServerMessage(value));
    notify();
  });
  await once(socket, "open");

  const take = async (matches: (message: ServerMessage) => boolean, what: string): Promise<ServerMessage> => {
    for (;;) {
      while (cursor < log.length) {
        const message = log[cursor++];
        if (message !== undefined && matches(message)) return message;
      }
      if (closedWith !== null)
        throw new Error(`closed with ${JSON.stringify(closedWith)} while waiting for ${what}`);
      await change();
    }
  };

  return {
    socket,
    log,
    raw,
    closed,
    sendRaw: (frame) => socket.send(frame),
    send: (type, payload = {}, framing = {}) => socket.send(codec.encode({ type, ...framing, payload })),
    async next(type, queryId) {
      const message = await take(
        (candidate) => candidate.type === type && (queryId === undefined || queryIdOf(candidate) === queryId),
        type,
      );
      // `take` compared the type.
      return message as MessageOf<typeof type>;
    },
    async nextCustom(definition) {
      for (;;) {
        while (rawCursor < raw.length) {
          const value = raw[rawCursor++];
          // Whoever asks compares the payload.
          if (typeOf(value) === definition.type) return value as MessageOfDefinition<typeof definition>;
        }
        if (closedWith !== null) throw new Error(`closed while waiting for ${definition.type}`);
        await change();
      }
    },
    async nextOf(...types) {
      const message = await take(
        (candidate) => types.some((type) => type === candidate.type),
        types.join(", "),
      );
      // `take` compared the type.
      return message as MessageOf<(typeof types)[number]>;
    },
    async run(queryId) {
      for (let seen = 0; ; ) {
        while (seen < log.length) {
          const message = log[seen++];
          if (message !== undefined && queryIdOf(message) === queryId && isTerminal(message)) {
            return log.slice(0, seen).filter((other) => queryIdOf(other) === queryId);
          }
        }
        if (closedWith !== null)
          throw new Error(`closed with ${JSON.stringify(closedWith)} during ${queryId}`);
        await change();
      }
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}

function typeOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
}

function isForeign(value: unknown): boolean {
  const type = typeOf(value);
  return typeof type === "string" && !Object.hasOwn(SERVER_PAYLOADS, type);
}

function queryIdOf({ payload }: ServerMessage): string | undefined {
  return "query_id" in payload ? payload.query_id : undefined;
}

function isTerminal(message: ServerMessage): boolean {
  if (message.type === "query_cancelled") return true;
  return message.type === "query_progress" && ["completed", "failed"].includes(message.payload.stage);
}

/** The status with which an upgrade is refused. */
export async function refusedStatus(url: string): Promise<number | undefined> {
  const [, response] = await once(new WebSocket(url), "unexpected-response");
  response.resume();
  return response.statusCode;
}
