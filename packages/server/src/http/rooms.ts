import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import { RoomInfo } from "@sparql-live/protocol/schemas";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import { type Asker, mayDo, type RoomVerb } from "../realtime/policy.js";
import { roomNotFound } from "../realtime/rooms/room.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import type { RoomPage, RoomRecord } from "../store.js";
import { type AdminGate, isAdmin } from "./admin-gate.js";
import type { Gate } from "./gate.js";
import { NewRoomBody, NewRoomQuery, readNewRoom } from "./new-room.js";
import { documented } from "./operation.js";
import { isOriginAllowed } from "./origin.js";
import { problem, sendProblem } from "./problem.js";

export interface RoomRouteDeps {
  readonly live: Live;
  readonly gate: Gate;
  readonly adminGate: AdminGate;
  readonly allowedOrigins: readonly string[];
}

const Page = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: SERVER_LIMITS.maxListedRoomsCount,
      default: SERVER_LIMITS.listedRoomsCount,
    }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
});

const RoomList = Type.Object({
  rooms: Type.Array(RoomInfo, { description: "Those that there are for who asks, oldest first." }),
  more: Type.Boolean({ description: "There are further ones after these." }),
});

const AskerQuery = Type.Object({
  user_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters, description: "Who asks." }),
  ),
});

const Params = Type.Object({
  room_id: Type.String({ pattern: `^[A-Za-z0-9_-]{1,${WIRE_LIMITS.maxIdCharacters}}$` }),
});

/** A room id may be longer than what a router lets stand for a parameter; this pattern is bounded by the id alone. */
const ONE_ROOM = "/api/ws/rooms/*";
const ONE_ROOM_PATH = "/api/ws/rooms/{room_id}";

/** `/api/ws/rooms`: making, finding and deleting rooms. Taking part in one goes over a WebSocket. */
export async function mountRooms(app: FastifyInstance, deps: RoomRouteDeps): Promise<void> {
  await app.register(async (scope) => {
    readEmptyBodies(scope);
    mountList(scope, deps);
    mountCreation(scope, deps);
    mountLookUp(scope, deps);
    mountDeletion(scope, deps);
  });
}

/** Clients that say everything in the address still announce JSON, and send none. */
function readEmptyBodies(scope: FastifyInstance): void {
  const readJson = scope.getDefaultJsonParser("error", "error");
  scope.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else readJson(request, String(body), done);
  });
}

function mountList(scope: FastifyInstance, deps: RoomRouteDeps): void {
  const { rooms } = deps.live;
  const options = documented(
    {
      operationId: "listRooms",
      summary: "Lists the rooms",
      description: "The public ones, those in which who asks has a role, and all for the admin.",
      tag: "rooms",
      responses: { 200: { description: "The rooms.", content: { "application/json": RoomList } } },
      problems: [400, 501],
    },
    { querystring: Type.Object({ ...Page.properties, ...AskerQuery.properties }) },
  );
  scope.withTypeProvider<TypeBoxTypeProvider>().get("/api/ws/rooms", options, async (request, reply) => {
    const { limit = SERVER_LIMITS.listedRoomsCount, offset = 0 } = request.query;
    const asker = await askerOf(request, request.query.user_id, deps);
    const isSeen = (record: RoomRecord) => mayDo("see", record, asker);
    const { records, more } = await listRooms(rooms, { offset, limit, publicOnly: asker === null }, isSeen);
    const infos = records.map((record) => rooms.info(record));
    reply.header("cache-control", "no-store");
    return { rooms: await Promise.all(infos), more };
  });
}

/** `offset` and `limit` count rooms that are seen; others between them are passed over. */
async function listRooms(
  rooms: Rooms,
  { offset, limit, publicOnly = false }: RoomPage,
  isSeen: (record: RoomRecord) => boolean,
): Promise<{ readonly records: readonly RoomRecord[]; readonly more: boolean }> {
  const { roomScanPageCount, roomScanPagesCount } = SERVER_LIMITS;
  const records: RoomRecord[] = [];
  let seenCount = 0;
  for (let page = 0; page < roomScanPagesCount; page++) {
    const place = { offset: page * roomScanPageCount, limit: roomScanPageCount };
    const scanned = await rooms.list(publicOnly ? { ...place, publicOnly } : place);
    for (const record of scanned) {
      if (!isSeen(record) || seenCount++ < offset) continue;
      if (records.length === limit) return { records, more: true };
      records.push(record);
    }
    if (scanned.length < roomScanPageCount) break;
  }
  return { records, more: false };
}

function mountCreation(
  scope: FastifyInstance,
  { live: { rooms }, gate, allowedOrigins }: RoomRouteDeps,
): void {
  const options = documented(
    {
      operationId: "createRoom",
      summary: "Makes a room",
      description:
        "What the room is to be stands in the address, in a JSON body, or some here and some there. " +
        "Without an owner anybody may delete it.",
      tag: "rooms",
      body: { "application/json": NewRoomBody },
      isBodyOptional: true,
      responses: { 200: { description: "The room.", content: { "application/json": RoomInfo } } },
      problems: [400, 403, 413, 415, 429, 501, 503, 507],
    },
    { querystring: NewRoomQuery },
  );
  scope.withTypeProvider<TypeBoxTypeProvider>().post(
    "/api/ws/rooms",
    {
      ...options,
      bodyLimit: SERVER_LIMITS.maxBodyBytes,
      onRequest: (request, reply, done) => refuseForeignPages(request, reply, allowedOrigins, done),
    },
    async (request) => {
      const { user_id: said, ...query } = request.query;
      const asker = gate.askerOf(request, said);
      const wanted = asker === undefined ? query : { ...query, user_id: asker };
      return rooms.info(await rooms.create(readNewRoom(wanted, request.body)));
    },
  );
}

/** Who asks: who the token names; in the open mode who the address says. The admin proves it in either. */
async function askerOf(
  request: FastifyRequest,
  said: string | undefined,
  { gate, adminGate }: RoomRouteDeps,
): Promise<Asker> {
  const identity = gate.identityOf(request);
  if (identity !== null) return { id: identity.userId, role: identity.role };
  const id = gate.askerOf(request, said);
  if (await isAdmin(request, adminGate)) return { id: id ?? "", role: "admin" };
  return id === undefined ? null : { id, role: "user" };
}

/** Throws `room_not_found`, whether it is absent or not for who asks. */
async function recordFor(
  verb: RoomVerb,
  request: FastifyRequest,
  asker: Asker,
  { rooms }: Live,
): Promise<RoomRecord> {
  // What the pattern left open.
  const { "*": roomId } = request.params as { "*": string };
  const id = roomId.slice(0, WIRE_LIMITS.maxIdCharacters + 1);
  const record = await rooms.find(id);
  if (record === null || !mayDo(verb, record, asker)) throw roomNotFound(id);
  return record;
}

function mountLookUp(scope: FastifyInstance, deps: RoomRouteDeps): void {
  const { live } = deps;
  const options = documented(
    {
      operationId: "getRoom",
      summary: "Tells a room",
      description:
        "A private room is there for its owner, for those who have a role in it and for the admin.",
      tag: "rooms",
      path: ONE_ROOM_PATH,
      params: Params,
      responses: { 200: { description: "The room.", content: { "application/json": RoomInfo } } },
      problems: [400, 404, 501],
    },
    { querystring: AskerQuery },
  );
  scope.withTypeProvider<TypeBoxTypeProvider>().get(ONE_ROOM, options, async (request, reply) => {
    const asker = await askerOf(request, request.query.user_id, deps);
    const record = await recordFor("see", request, asker, live);
    reply.header("cache-control", "no-store");
    return live.rooms.info(record);
  });
}

function mountDeletion(scope: FastifyInstance, deps: RoomRouteDeps): void {
  const { live, allowedOrigins } = deps;
  const options = documented(
    {
      operationId: "deleteRoom",
      summary: "Deletes a room, its messages and its document",
      description:
        "For its owner and for the admin; a room without an owner for anybody. Its members are put out. " +
        "To others it is not there.",
      tag: "rooms",
      path: ONE_ROOM_PATH,
      params: Params,
      responses: {
        200: {
          description: "It is gone.",
          content: { "application/json": Type.Object({ success: Type.Literal(true) }) },
        },
      },
      problems: [400, 403, 404, 501, 503],
    },
    { querystring: AskerQuery },
  );
  scope.withTypeProvider<TypeBoxTypeProvider>().delete(
    ONE_ROOM,
    {
      ...options,
      onRequest: (request, reply, done) => refuseForeignPages(request, reply, allowedOrigins, done),
    },
    async (request) => {
      const asker = await askerOf(request, request.query.user_id, deps);
      const record = await recordFor("delete", request, asker, live);
      await live.rooms.delete(record.id);
      return { success: true };
    },
  );
}

/** A browser sends what changes something from any page; the page is not to be believed (see `isOriginAllowed`). */
export function refuseForeignPages(
  request: FastifyRequest,
  reply: FastifyReply,
  allowedOrigins: readonly string[],
  done: () => void,
): void {
  if (isOriginAllowed(request.headers.origin, request.headers.host, allowedOrigins)) {
    done();
    return;
  }
  sendProblem(
    reply,
    problem(
      403,
      "origin_forbidden",
      "Pages of this origin may not change anything here (see allowed-origins).",
    ),
  );
}
