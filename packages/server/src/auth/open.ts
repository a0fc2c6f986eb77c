import { ProtocolFailure } from "@sparql-live/protocol";
import type { Authenticator } from "./authenticator.js";

/** Nobody has to prove anything: for one machine, and for tests. */
export const OPEN_AUTHENTICATOR: Authenticator = {
  isOpen: true,
  async authenticate() {
    throw new ProtocolFailure(
      "feature_unavailable",
      "This server takes no tokens; who comes says so with user_id in the address.",
    );
  },
  signIn: async () => null,
};
