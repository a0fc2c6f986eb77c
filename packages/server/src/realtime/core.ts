import type { ServerPayloads } from "@sparql-live/protocol";
import type { ParsedMessage } from "@sparql-live/protocol/validate";
import type { Tier } from "./connection.js";
import type { Variants } from "./experiments.js";
import type { LinkContext } from "./link.js";
import type { RateLimits } from "./rate-limit.js";

/** What all connections of a server share: one object, so that a connection holds one reference to it. */
export interface Core<P> extends LinkContext {
  readonly rateLimits: Readonly<Record<Tier, RateLimits>>;
  readonly variantsOf: (userId: string) => Variants;
  readonly greeting: (peer: P) => ServerPayloads["connection_ack"];
  readonly dispatch: (message: ParsedMessage, peer: P) => void;
  /** The peer has no socket any more. `isFinal`: it must not come back. */
  readonly onLost: (peer: P, code: number, isFinal: boolean) => void;
}
