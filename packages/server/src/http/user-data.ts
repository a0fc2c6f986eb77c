import { Readable } from "node:stream";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { WIRE_LIMITS } from "@sparql-live/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type from "typebox";
import type { UserDatum } from "../features/user-data.js";
import type { Live } from "../live.js";
import { type AdminGate, isAdmin } from "./admin-gate.js";
import type { Gate } from "./gate.js";
import { documented } from "./operation.js";
import { refuseForeignPages } from "./rooms.js";

/** An id may be longer, and have other characters, than what a router lets stand for a parameter. */
const OF_USERS = "/api/users/*";
const PATH = "/api/users/{id}/data";

const UserId = Type.String({ minLength: 1, maxLength: WIRE_LIMITS.maxIdCharacters });

const Erased = Type.Object({
  messages: Type.Integer({ description: "Of which the places are empty now." }),
  rooms_deleted: Type.Integer(),
  rooms_handed_over: Type.Integer({ description: "To the first of their editors by name." }),
});

interface UserDataRouteDeps {
  readonly live: Live;
  readonly gate: Gate;
  readonly adminGate: AdminGate;
  readonly allowedOrigins: readonly string[];
}

/** `/api/users/{id}/data`, for the admin and for who has proven to be the user: anybody can say a `user_id`. */
export function mountUserData(
  app: FastifyInstance,
  { live, gate, adminGate, allowedOrigins }: UserDataRouteDeps,
): void {
  const scope = app.withTypeProvider<TypeBoxTypeProvider>();
  const params = Type.Object({ id: UserId });
  const isAllowed = async (request: FastifyRequest, id: string) =>
    gate.identityOf(request)?.userId === id || isAdmin(request, adminGate);
  /** `null`: there is nothing for who asks. */
  const userFor = async (request: FastifyRequest): Promise<string | null> => {
    // What the pattern left open.
    const { "*": rest } = request.params as { "*": string };
    const id = rest.endsWith("/data") ? rest.slice(0, -"/data".length) : "";
    if (id === "" || id.length > WIRE_LIMITS.maxIdCharacters) return null;
    return (await isAllowed(request, id)) ? id : null;
  };

  const exporting = documented(
    {
      operationId: "exportUserData",
      summary: "What is stored of a user",
      description:
        "One JSON object in each line, with its `kind`: room, message, run, notification or endpoint. For the user, and the admin.",
      tag: "operation",
      path: PATH,
      params,
      responses: {
        200: { description: "The data.", content: { "application/x-ndjson": Type.String() } },
      },
      problems: [404, 501, 503],
    },
    {},
  );
  scope.get(OF_USERS, exporting, async (request, reply) => {
    const id = await userFor(request);
    if (id === null) return reply.callNotFound();
    return reply
      .headers({ "content-type": "application/x-ndjson", "cache-control": "no-store" })
      .send(Readable.from(linesOf(live.userData.export(id))));
  });

  const erasing = documented(
    {
      operationId: "eraseUserData",
      summary: "Erases what is stored of a user",
      description:
        "Messages leave empty places in their rooms. For the user, and the admin. It cannot be taken back.",
      tag: "operation",
      path: PATH,
      params,
      responses: {
        200: { description: "What was erased.", content: { "application/json": Erased } },
      },
      problems: [403, 404, 501, 503, 507],
    },
    {},
  );
  scope.delete(
    OF_USERS,
    {
      ...erasing,
      onRequest: (request, reply, done) => refuseForeignPages(request, reply, allowedOrigins, done),
    },
    async (request, reply) => {
      const id = await userFor(request);
      if (id === null) return reply.callNotFound();
      return live.userData.erase(id);
    },
  );
}

async function* linesOf(data: AsyncIterable<UserDatum>): AsyncGenerator<string, void, undefined> {
  for await (const datum of data) yield `${JSON.stringify(datum)}\n`;
}
