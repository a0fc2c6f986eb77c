import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { ProtocolFailure, WIRE_LIMITS } from "@sparql-live/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import { SERVER_LIMITS } from "../limits.js";
import type { Live } from "../live.js";
import type { Gate } from "./gate.js";
import { documented } from "./operation.js";
import { refuseForeignPages } from "./rooms.js";

const UserId = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: WIRE_LIMITS.maxIdCharacters,
    description: "Who asks, in the open mode; else the token says it.",
  }),
);
const RoomId = Type.String({ pattern: `^[A-Za-z0-9_-]{1,${WIRE_LIMITS.maxIdCharacters}}$` });
const Secret = Type.String({ maxLength: SERVER_LIMITS.maxCredentialCharacters });

const NewEndpointBody = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 2_000 }),
    title: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: SERVER_LIMITS.maxRoomNameCharacters,
        description: "Default: its host.",
      }),
    ),
    room_id: Type.Optional(RoomId),
    headers: Type.Optional(
      Type.Record(Type.String(), Secret, {
        maxProperties: SERVER_LIMITS.maxCredentialHeadersCount,
        description: "Sent with each query, to this address alone. They are never shown again.",
      }),
    ),
    basic: Type.Optional(Type.Object({ user: Secret, password: Secret }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

const EndpointInfo = Type.Object({
  endpoint_id: Type.String(),
  title: Type.String(),
  url: Type.String(),
  room_id: Type.Union([Type.String(), Type.Null()]),
  has_credentials: Type.Boolean(),
  created_at: Type.String({ description: "ISO 8601." }),
});

interface EndpointRouteDeps {
  readonly live: Live;
  readonly gate: Gate;
  readonly allowedOrigins: readonly string[];
}

/** `/api/endpoints`: endpoints that users register for themselves or for a room, with their credentials. */
export function mountEndpoints(
  app: FastifyInstance,
  { live, gate, allowedOrigins }: EndpointRouteDeps,
): void {
  const scope = app.withTypeProvider<TypeBoxTypeProvider>();
  const asking = Type.Object({ user_id: UserId });
  const onRequest: Parameters<typeof scope.post>[1]["onRequest"] = (request, reply, done) =>
    refuseForeignPages(request, reply, allowedOrigins, done);
  const askerOf = (request: FastifyRequest, said: string | undefined): string => {
    const asker = gate.askerOf(request, said);
    if (asker === undefined)
      throw new ProtocolFailure("bad_request", "Endpoints belong to a user: say user_id.");
    return asker;
  };

  const registering = documented(
    {
      operationId: "registerEndpoint",
      summary: "Registers an endpoint for a user, or for a room",
      description:
        "Its credentials are sealed and never shown again. Asking it wants the setting adHocEndpoints, as any address does.",
      tag: "questions",
      responses: {
        200: { description: "The endpoint.", content: { "application/json": EndpointInfo } },
      },
      problems: [400, 403, 404, 413, 415, 503, 507],
    },
    { querystring: asking, body: NewEndpointBody },
  );
  scope.post("/api/endpoints", { ...registering, onRequest }, async (request) => {
    const { url, title, room_id: roomId = null } = request.body;
    return live.privateEndpoints.register(askerOf(request, request.query.user_id), {
      url,
      title: title ?? (URL.canParse(url) ? new URL(url).host : url),
      roomId,
      headers: headersOf(request.body),
    });
  });

  const listing = documented(
    {
      operationId: "listEndpoints",
      summary: "Lists the endpoints that a user registered, or those of a room",
      tag: "questions",
      responses: {
        200: {
          description: "The endpoints.",
          content: { "application/json": Type.Object({ endpoints: Type.Array(EndpointInfo) }) },
        },
      },
      problems: [400, 404],
    },
    { querystring: Type.Object({ user_id: UserId, room_id: Type.Optional(RoomId) }) },
  );
  scope.get("/api/endpoints", listing, async (request, reply) => {
    const { user_id: userId, room_id: roomId = null } = request.query;
    reply.header("cache-control", "no-store");
    return { endpoints: await live.privateEndpoints.list(askerOf(request, userId), roomId) };
  });

  const removing = documented(
    {
      operationId: "removeEndpoint",
      summary: "Forgets an endpoint and its credentials",
      description: "For who registered it, and for the owner of its room. To others it is not there.",
      tag: "questions",
      responses: {
        200: {
          description: "It is gone.",
          content: { "application/json": Type.Object({ success: Type.Literal(true) }) },
        },
      },
      problems: [400, 403, 404, 503],
    },
    { querystring: asking, params: Type.Object({ endpoint_id: Type.String() }) },
  );
  scope.delete("/api/endpoints/:endpoint_id", { ...removing, onRequest }, async (request) => {
    await live.privateEndpoints.remove(askerOf(request, request.query.user_id), request.params.endpoint_id);
    return { success: true };
  });
}

/** RFC 7617 for `basic`. */
function headersOf({
  headers = {},
  basic,
}: Static<typeof NewEndpointBody>): Readonly<Record<string, string>> {
  if (basic === undefined) return headers;
  const token = Buffer.from(`${basic.user}:${basic.password}`).toString("base64");
  return { ...headers, authorization: `Basic ${token}` };
}
