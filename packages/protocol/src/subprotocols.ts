/** The subprotocols that a server speaks, in the order of preference when a client offers several. */
export const SUBPROTOCOLS = ["sparql-live.v1.json", "sparql-live.v1.msgpack"] as const;

export type Subprotocol = (typeof SUBPROTOCOLS)[number];

export const DEFAULT_SUBPROTOCOL: Subprotocol = "sparql-live.v1.json";

export type Negotiation =
  /** `echo` is what the handshake answers with; absent where the client asked for none. */
  { readonly accepted: Subprotocol; readonly echo?: Subprotocol } | { readonly accepted: null };

/**
 * Chooses the first offered subprotocol that is known. None offered: JSON, and none is echoed, because a client
 * that asked for none must fail the connection when one comes back (RFC 6455, section 4.1).
 * Only unknown ones offered: refused.
 */
export function negotiateSubprotocol(offered: Iterable<string>): Negotiation {
  let any = false;
  for (const name of offered) {
    any = true;
    const known = SUBPROTOCOLS.find((candidate) => candidate === name);
    if (known !== undefined) return { accepted: known, echo: known };
  }
  return any ? { accepted: null } : { accepted: DEFAULT_SUBPROTOCOL };
}
