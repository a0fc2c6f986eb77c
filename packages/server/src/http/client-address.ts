import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { FastifyRequest } from "fastify";

/** Who is believed when it says on whose behalf it asks. */
export interface ProxyTrust {
  /** Of an address as a socket tells it. */
  isTrusted(address: string): boolean;
  /** The client's, which is that of the socket unless proxies that are trusted say otherwise. */
  addressOf(request: IncomingMessage): string;
}

/** A chain of proxies is no longer than this; what a client put in front of it is not read. */
const MAX_HOPS_COUNT = 10;

/** `trusted`: addresses, and networks as `10.0.0.0/8`. Throws a `TypeError` for what is neither. */
export function createProxyTrust(trusted: readonly string[]): ProxyTrust {
  const list = new BlockList();
  for (const entry of trusted) addTo(list, entry);
  const isTrusted = (address: string): boolean => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? "ipv4" : "ipv6");
  };
  return {
    isTrusted,
    addressOf({ socket, headers }) {
      const peer = plainAddress(socket.remoteAddress ?? "");
      if (trusted.length === 0) return peer;
      const forwarded = String(headers["x-forwarded-for"] ?? "")
        .split(",")
        .slice(-MAX_HOPS_COUNT);
      let address = peer;
      // From the nearest on: each trusted proxy vouches for the entry that it added, and for no other.
      while (isTrusted(address)) {
        const next = plainAddress(forwarded.pop()?.trim() ?? "");
        if (isIP(next) === 0) break;
        address = next;
      }
      return address;
    },
  };
}

/**
 * The client's of a request, as far as the application trusts proxies (`trustProxy`): in the spelling of
 * `ProxyTrust.addressOf`, so that both ways count as one, and never what is no address.
 */
export function addressOf({ ip, ips = [ip] }: Pick<FastifyRequest, "ip" | "ips">): string {
  return ips.map(plainAddress).findLast((address) => isIP(address) !== 0) ?? plainAddress(ip);
}

/** `::ffff:192.0.2.1`, as a socket of both families tells IPv4, is the same as `192.0.2.1`. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function addTo(list: BlockList, entry: string): void {
  const [address = "", prefix, ...rest] = entry.split("/");
  const family = isIP(address);
  const bits = prefix === undefined ? 128 : Number(prefix);
  const isWrong = prefix !== undefined && (!/^\d+$/.test(prefix) || bits > (family === 4 ? 32 : 128));
  if (family === 0 || rest.length > 0 || isWrong) {
    throw new TypeError(`"${entry}" is no address and no network such as 10.0.0.0/8 or fd00::/8.`);
  }
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (prefix === undefined) list.addAddress(address, kind);
  else list.addSubnet(address, bits, kind);
}
