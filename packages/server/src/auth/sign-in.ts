import { ProtocolFailure } from "@sparql-live/protocol";
import type { SignIn } from "./authenticator.js";
import type { Discovered } from "./discovery.js";

/** What pages are told, from what the issuer tells. */
export function createSignIn(
  discovered: () => Promise<Discovered>,
  { clientId, scopes }: Pick<SignIn, "clientId" | "scopes">,
): () => Promise<SignIn> {
  return async () => {
    const { issuer, authorizationEndpoint, tokenEndpoint } = await discovered().catch((error: unknown) => {
      throw new ProtocolFailure("unavailable", "The issuer of tokens does not answer now; try again.", [], {
        cause: error,
      });
    });
    if (authorizationEndpoint === null || tokenEndpoint === null) {
      throw new ProtocolFailure("unavailable", "The issuer of tokens tells no way for pages to sign in.");
    }
    return { issuer, authorizationEndpoint, tokenEndpoint, clientId, scopes };
  };
}
