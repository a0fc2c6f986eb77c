import { ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { Authentication } from "../auth/authentication.js";
import { SERVER_LIMITS } from "../limits.js";
import type { Gate } from "./gate.js";
import { documented } from "./operation.js";

const SignInDocument = Type.Object({
  required: Type.Boolean({ description: "Whether who comes must show a token." }),
  sign_in: Type.Union(
    [
      Type.Null(),
      Type.Object({
        issuer: Type.String(),
        authorization_endpoint: Type.String(),
        token_endpoint: Type.String(),
        client_id: Type.String(),
        scopes: Type.Array(Type.String()),
      }),
    ],
    { description: "What a page needs for the authorization code flow with PKCE; `null`: it cannot." },
  ),
});

const Ticket = Type.Object({
  ticket: Type.String({ description: "For `?ticket=` of one upgrade." }),
  expires_in: Type.Number({ description: "Seconds." }),
});

/** `GET /api/auth/config`, for everybody: how one signs in here. Nothing of it is secret. */
export function mountSignIn(app: FastifyInstance, authentication: Authentication): void {
  const options = documented(
    {
      operationId: "getSignIn",
      summary: "Tells how one signs in",
      tag: "signIn",
      responses: { 200: { description: "How.", content: { "application/json": SignInDocument } } },
      problems: [503],
    },
    {},
  );
  app.get("/api/auth/config", options, async (_request, reply) => {
    reply.header("cache-control", "no-store");
    const signIn = await authentication.signIn();
    return {
      required: !authentication.isOpen,
      sign_in:
        signIn === null
          ? null
          : {
              issuer: signIn.issuer,
              authorization_endpoint: signIn.authorizationEndpoint,
              token_endpoint: signIn.tokenEndpoint,
              client_id: signIn.clientId,
              scopes: signIn.scopes,
            },
    };
  });
}

/** `POST /api/ws/tickets`, where there are tokens: for upgrades of browsers, which cannot send headers. */
export function mountTickets(app: FastifyInstance, { isOpen, tickets }: Authentication, gate: Gate): void {
  if (isOpen) return;
  const options = documented(
    {
      operationId: "createTicket",
      summary: "Makes a ticket for one WebSocket",
      description: `It is good once, within ${SERVER_LIMITS.ticketLifeMs / 1_000} seconds, as \`?ticket=\` of an upgrade.`,
      tag: "signIn",
      responses: { 200: { description: "The ticket.", content: { "application/json": Ticket } } },
      problems: [401, 429, 503],
    },
    {},
  );
  app.post("/api/ws/tickets", options, async (request, reply) => {
    const identity = gate.identityOf(request);
    if (identity === null) {
      throw new ProtocolFailure("bad_token", "A ticket is for a user; the admin's key names none.");
    }
    reply.header("cache-control", "no-store");
    return { ticket: tickets.issue(identity), expires_in: tickets.lifeMs / 1_000 };
  });
}
