import { FAILURES, ProtocolFailure } from "@sparql-live/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Authentication } from "../auth/authentication.js";
import type { Identity } from "../auth/authenticator.js";
import { failureOf } from "../realtime/refusals.js";
import { type AdminGate, BLOCKED } from "./admin-gate.js";
import { bearerOf } from "./admin-key.js";
import { addressOf } from "./client-address.js";
import { onAnswerOver } from "./disconnect.js";
import { sendProblem } from "./problem.js";

/** Who asks by HTTP. */
export interface Gate {
  /** What is mounted in the application answers only who shows a token or the admin's key, unless it is exempt. */
  guard(app: FastifyInstance): void;
  /** Everything that is mounted in a scope from now on is for everybody. */
  exempt(scope: FastifyInstance): void;
  /** `null`: nobody proved who it is, in the open mode or with the admin's key. */
  identityOf(request: FastifyRequest): Identity | null;
  /** The id of the user; in the open mode it is as the request says. */
  askerOf(request: FastifyRequest, said: string | undefined): string | undefined;
}

const CHALLENGE = 'Bearer realm="sparql-live"';

export function createGate(
  { isOpen, prove, revocations }: Authentication,
  adminGate: Pick<AdminGate, "tryKey" | "countFailure">,
): Gate {
  const identities = new WeakMap<FastifyRequest, Identity>();

  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    // What a browser asks before it may ask: it cannot send a token with it.
    if (request.method === "OPTIONS" || request.routeOptions.config.sparqlLiveIsPublic === true)
      return undefined;
    const token = bearerOf(request);
    if (token === undefined) {
      reply.header("www-authenticate", CHALLENGE);
      throw new ProtocolFailure("not_authenticated", "Send a token: `Authorization: Bearer …`.");
    }
    const address = addressOf(request);
    const tried = adminGate.tryKey(token, address);
    if (tried === "key") return undefined;
    try {
      const identity = await prove(token, { remoteAddress: address });
      identities.set(request, identity);
      // Nothing more is sent to who is put out: an answer may take minutes.
      const stop = revocations.watch(identity, () => reply.raw.destroy());
      onAnswerOver(reply, stop);
      return undefined;
    } catch (error) {
      const { code } = failureOf(error);
      if (code === "bad_token") {
        // The key or not: it was not looked at.
        if (typeof tried === "object") return sendProblem(reply, BLOCKED, tried.retryAfterMs);
        adminGate.countFailure(address);
      }
      // RFC 6750, section 3.
      if (FAILURES[code].http === 401)
        reply.header("www-authenticate", `${CHALLENGE}, error="invalid_token"`);
      else reply.header("retry-after", "5");
      throw error;
    }
  };

  return {
    guard(app) {
      if (!isOpen) app.addHook("onRequest", check);
    },
    exempt(scope) {
      scope.addHook("onRoute", (route) => {
        route.config = { ...route.config, sparqlLiveIsPublic: true };
      });
    },
    identityOf: (request) => identities.get(request) ?? null,
    askerOf: (request, said) => (isOpen ? said : identities.get(request)?.userId),
  };
}
