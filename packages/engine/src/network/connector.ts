import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { type NetworkGuard, unbracketed } from "./guard.js";

export interface ConnectorOptions {
  readonly guard: NetworkGuard;
  /** Origins whose addresses are not checked, because the operator named them. */
  readonly trustedOrigins: readonly string[];
  readonly connectTimeoutMs: number;
}

/**
 * A connector that asks the guard for every address at the moment of connecting: literal addresses (the URL parser has
 * already brought decimal, octal and short forms into one), and all addresses that a name resolves to, which are
 * then the ones that are connected to. A `lookup` hook alone would not see literals, and a check before connecting
 * could be answered by another address later.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, trustedOrigins, connectTimeoutMs: timeout } = options;
  const connectTrusted = buildConnector({ timeout });
  const connect = buildConnector({ timeout, lookup: guardedLookup(guard) });
  return (target, callback) => {
    if (trustedOrigins.includes(`${target.protocol}//${target.host}`)) {
      connectTrusted(target, callback);
      return;
    }
    const literal = unbracketed(target.hostname);
    const failure = isIP(literal) === 0 ? undefined : failureOf(() => guard.check(literal, literal));
    if (failure !== undefined) callback(failure, null);
    else connect(target, callback);
  };
}

function guardedLookup(guard: NetworkGuard): LookupFunction {
  return (hostname, options, callback) => {
    const checked = guard.resolve(hostname).then((addresses) => {
      for (const { address } of addresses) guard.check(address, hostname);
      return addresses;
    });
    checked.then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new Error(`${hostname} has no address`), "", 0);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(toError(error), "", 0),
    );
  };
}

/** Node's callbacks want errors as values. */
function failureOf(check: () => void): Error | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return toError(error);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
