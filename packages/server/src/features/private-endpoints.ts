import { randomBytes } from "node:crypto";
import { type AnswerRequest, EngineFailure } from "@sparql-live/engine";
import { ProtocolFailure } from "@sparql-live/protocol";
import { SERVER_LIMITS } from "../limits.js";
import { isAllowed, mayDo, roleOf } from "../realtime/policy.js";
import { roomNotFound } from "../realtime/rooms/room.js";
import type { EndpointRecord, RoomRecord, Store } from "../store.js";
import type { Vault } from "../vault.js";

/** What somebody registers. */
interface NewEndpoint {
  readonly title: string;
  readonly url: string;
  /** For everybody who may run queries in it; `null`: for who registers it alone. */
  readonly roomId: string | null;
  /** Sent to its address with each query. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An endpoint as it is told: of its credentials only that there are some. */
interface EndpointInfo {
  readonly endpoint_id: string;
  readonly title: string;
  readonly url: string;
  readonly room_id: string | null;
  readonly has_credentials: boolean;
  readonly created_at: string;
}

/** Endpoints that users have registered, with what proves to them who asks. */
export interface PrivateEndpoints {
  /** Throws `bad_request`, `room_not_found`, `role_forbidden`. */
  register(userId: string, endpoint: NewEndpoint): Promise<EndpointInfo>;
  /** The user's own, or with a room those of the room. Throws `room_not_found`. */
  list(userId: string, roomId: string | null): Promise<readonly EndpointInfo[]>;
  /** Throws `endpoint_not_found`. */
  remove(userId: string, endpointId: string): Promise<void>;
  /**
   * The request to its address, with its headers, where it names a private endpoint: an address that a user gave, which
   * the engine treats as any other of that kind. Throws `endpoint_not_found`, and `unavailable` where its credentials
   * cannot be opened any more.
   */
  addressed(request: AnswerRequest, userId: string, roomId: string | null): Promise<AnswerRequest>;
}

const ID_PREFIX = "private-";

export function isPrivateEndpointId(id: string | undefined): id is string {
  return id?.startsWith(ID_PREFIX) === true;
}

export interface PrivateEndpointsDeps {
  readonly store: Pick<Store, "rooms" | "endpoints">;
  readonly vault: Vault;
}

export function createPrivateEndpoints({ store, vault }: PrivateEndpointsDeps): PrivateEndpoints {
  const { endpoints } = store;
  /** Throws `room_not_found`. */
  const roomFor = async (userId: string, roomId: string): Promise<RoomRecord> => {
    const record = await store.rooms.get(roomId);
    if (record === null || !mayDo("join", record, { id: userId, role: "user" })) throw roomNotFound(roomId);
    return record;
  };
  const mayUse = (record: EndpointRecord, userId: string, roomId: string | null) =>
    record.ownerId === userId || (record.roomId !== null && record.roomId === roomId);
  const headersOf = async (record: EndpointRecord): Promise<Readonly<Record<string, string>>> => {
    const { credentials } = record;
    if (credentials === null) return {};
    const opened = vault.open(credentials, contextOf(record));
    if (opened === null) {
      throw new ProtocolFailure(
        "unavailable",
        `The credentials of "${record.title}" cannot be opened: the key is another one. Register it again.`,
      );
    }
    if (opened.isOutdated) {
      await endpoints.put({ ...record, credentials: vault.seal(opened.plaintext, contextOf(record)) });
    }
    // What was sealed is what `register` was given.
    return JSON.parse(opened.plaintext) as Readonly<Record<string, string>>;
  };

  return {
    async register(userId, { title, url, roomId, headers }) {
      checkAddress(url);
      checkHeaders(headers);
      if (roomId !== null) {
        const room = await roomFor(userId, roomId);
        if (!isAllowed("edit", roleOf(room, userId))) {
          throw new ProtocolFailure("role_forbidden", `You may not add endpoints to the room "${roomId}".`);
        }
      }
      if ((await endpoints.ofUser(userId)).length >= SERVER_LIMITS.endpointsPerUserCount) {
        throw new ProtocolFailure(
          "bad_request",
          `A user registers ${SERVER_LIMITS.endpointsPerUserCount} endpoints at most; remove one first.`,
        );
      }
      const id = `${ID_PREFIX}${randomBytes(12).toString("base64url")}`;
      const credentials =
        Object.keys(headers).length === 0
          ? null
          : vault.seal(JSON.stringify(headers), contextOf({ id, ownerId: userId, url }));
      const record = { id, ownerId: userId, roomId, title, url, createdAtMs: Date.now(), credentials };
      await endpoints.put(record);
      return infoOf(record);
    },
    async list(userId, roomId) {
      if (roomId === null) return (await endpoints.ofUser(userId)).map(infoOf);
      await roomFor(userId, roomId);
      return (await endpoints.ofRoom(roomId)).map(infoOf);
    },
    async remove(userId, endpointId) {
      const record = await endpoints.get(endpointId);
      const room = record === null || record.roomId === null ? null : await store.rooms.get(record.roomId);
      if (record === null || (record.ownerId !== userId && room?.ownerId !== userId)) {
        throw endpointNotFound(endpointId);
      }
      await endpoints.delete(endpointId);
    },
    async addressed(request, userId, roomId) {
      const { endpointId, ...others } = request;
      if (!isPrivateEndpointId(endpointId)) return request;
      const record = await endpoints.get(endpointId);
      if (record === null || !mayUse(record, userId, roomId)) throw endpointNotFound(endpointId);
      return { ...others, endpointUrl: record.url, endpointHeaders: await headersOf(record) };
    },
  };
}

function infoOf({ id, title, url, roomId, credentials, createdAtMs }: EndpointRecord): EndpointInfo {
  return {
    endpoint_id: id,
    title,
    url,
    room_id: roomId,
    has_credentials: credentials !== null,
    created_at: new Date(createdAtMs).toISOString(),
  };
}

/** Credentials are of one endpoint, one owner and one address: moved to another in the file they are not opened. */
function contextOf({ id, ownerId, url }: Pick<EndpointRecord, "id" | "ownerId" | "url">): string {
  return JSON.stringify(["endpoint", id, ownerId, url]);
}

function endpointNotFound(id: string): EngineFailure {
  return new EngineFailure("endpoint_not_found", `There is no endpoint "${id}".`);
}

function checkAddress(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isHttp = parsed?.protocol === "http:" || parsed?.protocol === "https:";
  if (isHttp && parsed.username === "" && parsed.password === "") return;
  throw new ProtocolFailure(
    "bad_request",
    "`url` is an http(s) address without a password; credentials stand in `headers` or `basic`.",
  );
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
/** What belongs to the connection or to the query, not to who asks. */
const FORBIDDEN = new Set([
  "host",
  "connection",
  "content-length",
  "content-type",
  "transfer-encoding",
  "accept",
  "accept-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
]);

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (TOKEN.test(name) && VALUE.test(value) && !FORBIDDEN.has(name.toLowerCase())) continue;
    // Its value is not told: it is a secret, if not a right one.
    throw new ProtocolFailure("bad_request", `The header "${name.slice(0, 64)}" cannot be sent.`);
  }
}
