import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { EngineFailure } from "../failure.js";
import { isPublicAddress } from "./public-address.js";

interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** A port: the addresses of a host name. Rejects as `dns.promises.lookup` does. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

export interface NetworkGuardOptions {
  /**
   * What may be asked besides the public internet: CIDR blocks (`10.0.0.0/8`), addresses, and host names
   * (`sparql.internal`, whatever they resolve to; not the names below them). Default: nothing.
   */
  readonly allowedNetworks?: readonly string[];
  /** Default: the resolver of the system. */
  readonly resolve?: Resolve;
}

/** Which addresses may be connected to. Knows no connection; `createGuardedConnector` asks it. */
export interface NetworkGuard {
  readonly resolve: Resolve;
  /** Throws `address_forbidden`, which names the host as it was asked for and not its address. */
  check(address: string, host: string): void;
}

type Block = ReturnType<typeof ipaddr.parseCIDR>;

const resolveBySystem: Resolve = (host) => lookup(host, { all: true });

/** Throws `bad_request` for a member of `allowedNetworks` that is neither block, address nor host name. */
export function createNetworkGuard({
  allowedNetworks = [],
  resolve = resolveBySystem,
}: NetworkGuardOptions = {}): NetworkGuard {
  const blocks: Block[] = [];
  const hosts = new Set<string>();
  for (const text of allowedNetworks) {
    const parsed = parseAllowed(text);
    if (typeof parsed === "string") hosts.add(parsed);
    else blocks.push(parsed);
  }
  const isAllowed = (address: string): boolean => {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.parse(address);
    return blocks.some((block) => block[0].kind() === parsed.kind() && parsed.match(block));
  };
  return {
    resolve,
    check(address, host) {
      if (isPublicAddress(address) || hosts.has(plainHost(host)) || isAllowed(address)) return;
      throw new EngineFailure(
        "address_forbidden",
        `${host} may not be asked: it is not on the public internet. Whoever runs this can allow it (allowedNetworks).`,
      );
    },
  };
}

function parseAllowed(text: string): Block | string {
  if (text.includes("/")) {
    if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
    throw notAllowable(text);
  }
  // As the targets are read, so that one spelling of an address is not taken for a name.
  const written = isIP(text) === 6 ? `[${text}]` : text;
  if (!/^[\w.:[\]-]+$/.test(written) || !URL.canParse(`http://${written}/`)) throw notAllowable(text);
  const url = new URL(`http://${written}/`);
  if (url.port !== "" || /:\d+$/.test(written)) throw notAllowable(text);
  const host = unbracketed(url.hostname);
  return isIP(host) === 0 ? plainHost(host) : ipaddr.parseCIDR(`${host}/${isIP(host) === 4 ? 32 : 128}`);
}

function notAllowable(text: string): EngineFailure {
  return new EngineFailure(
    "bad_request",
    `allowedNetworks has ${JSON.stringify(text)}; it may have CIDR blocks such as 10.0.0.0/8, addresses, and host names without a port.`,
  );
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

/** `[::1]` → `::1`. */
export function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
