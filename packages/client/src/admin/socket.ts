import { SparqlLiveError } from "../errors.js";
import type { SocketConstructor, SocketLike } from "../socket.js";

/** What a subprotocol may be made of (RFC 6455, section 4.1; RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a header can carry behind `Bearer`. */
const VISIBLE = /^[!-~]+$/;

type WithHeaders = new (
  url: string,
  protocols: string[],
  options: { readonly headers: Readonly<Record<string, string>> },
) => SocketLike;

/**
 * The same constructor, which shows the credential: as a subprotocol beside that of the messages, because pages can
 * set no headers; where it has signs that no subprotocol may have, in a header, which `ws` alone can send. Throws
 * `bad_token` where neither will do.
 */
export function withCredential(found: SocketConstructor, credential: string): SocketConstructor {
  if (TOKEN.test(credential)) {
    return class extends found {
      constructor(url: string, protocols: string[]) {
        super(url, [...protocols, credential]);
      }
    };
  }
  const ofWs = ofWsAlone(found);
  if (!VISIBLE.test(credential) || ofWs === null) {
    const text =
      "No WebSocket here can send this key: use letters, digits and the signs !#$%&'*+.^_`|~- alone.";
    throw new SparqlLiveError("bad_token", text);
  }
  const headers = { authorization: `Bearer ${credential}` };
  return class extends ofWs {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers });
    }
  };
}

function ofWsAlone(found: SocketConstructor): WithHeaders | null {
  // Those of the platforms cannot be ended at once.
  return "terminate" in found.prototype ? (found as WithHeaders) : null;
}
