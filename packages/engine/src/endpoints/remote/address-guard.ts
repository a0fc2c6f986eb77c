import { lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { buildConnector } from "undici";
import { EngineFailure } from "../../failure.js";

/** Called with every address before a socket is opened to it; refuses by throwing `endpoint_forbidden`. */
export type AddressCheck = (address: string, host: string) => void;

const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * The policy for endpoints that a caller names: addresses of the public internet alone. Loopback, private, link-local,
 * carrier-grade NAT, multicast and reserved ranges are refused, and so are the IPv6 forms that carry an IPv4 address
 * (mapped, NAT64, 6to4, Teredo), whatever that address is.
 */
export const onlyPublicAddresses: AddressCheck = (address, host) => {
  if (!isPublic(address)) {
    throw new EngineFailure(
      "endpoint_forbidden",
      `The address ${address}${address === host ? "" : ` of ${host}`} may not be asked: it is not on the public internet.`,
    );
  }
};

function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_UNICAST_V6);
}

/**
 * A connector that asks `check` for every address at the moment of connecting: literal addresses (the URL parser has
 * already brought decimal, octal and short forms into one), and all addresses that a name resolves to. A `lookup`
 * hook alone would not see literals, and a check before connecting could be answered by another address later.
 */
export function createGuardedConnector(
  check: AddressCheck | undefined,
  connectTimeoutMs: number,
): buildConnector.connector {
  if (check === undefined) return buildConnector({ timeout: connectTimeoutMs });
  const connect = buildConnector({ timeout: connectTimeoutMs, lookup: guardedLookup(check) });
  return (options, callback) => {
    const literal = options.hostname.replace(/^\[(.*)\]$/, "$1");
    const failure = isIP(literal) === 0 ? undefined : failureOf(() => check(literal, literal));
    if (failure !== undefined) callback(failure, null);
    else connect(options, callback);
  };
}

function guardedLookup(check: AddressCheck): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const failure =
        error ??
        failureOf(() => {
          for (const { address } of addresses) check(address, hostname);
        });
      const [first] = failure === undefined ? addresses : [];
      if (failure !== undefined) callback(failure, "", 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}

/** Node's callbacks want errors as values. */
function failureOf(check: () => void): Error | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
