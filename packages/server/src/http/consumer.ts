import type { FastifyRequest } from "fastify";
import type { Live } from "../live.js";
import type { TierLimits } from "../live-options.js";
import { tierOf } from "../realtime/policy.js";
import { addressOf } from "./client-address.js";
import type { Gate } from "./gate.js";

/** Who takes something of the engine by HTTP, and how much it may take. */
export interface Consumer {
  /** Of a token. */
  readonly userId: string | undefined;
  /** Whose turn it is: the user's, with its queries over WebSockets, else that of the address. */
  readonly key: string;
  readonly limits: Required<TierLimits>;
}

export function consumerOf(
  request: FastifyRequest,
  { gate, live }: { readonly gate: Gate; readonly live: Live },
): Consumer {
  const identity = gate.identityOf(request);
  const tier = tierOf({ role: identity?.role ?? "user" }, identity !== null);
  const userId = identity?.userId;
  return { userId, key: userId ?? `address ${addressOf(request)}`, limits: live.limits.tiers[tier] };
}
