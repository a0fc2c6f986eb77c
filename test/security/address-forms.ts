/** Ways to write, or to hide behind, an address that nobody may ask: the host of a URL, and what becomes of it. */
export interface AddressForm {
  readonly host: string;
  readonly what: string;
  /** `bad_request`: it is no URL at all. Default `address_forbidden`. */
  readonly code?: "bad_request";
}

const form = (what: string, ...hosts: string[]): AddressForm[] => hosts.map((host) => ({ host, what }));

/** Names of the injected resolver, and what it answers. `localhost` is left to the resolver of the system. */
export const RESOLVED: ReadonlyMap<string, readonly string[]> = new Map([
  ["loopback.test", ["127.0.0.1"]],
  ["localhost.", ["127.0.0.1"]],
  ["loopback6.test", ["::1"]],
  ["mapped.test", ["::ffff:127.0.0.1"]],
  ["private.test", ["10.0.0.1"]],
  ["metadata.test", ["169.254.169.254"]],
  ["zone.test", ["fe80::1%lo"]],
  ["mixed.test", ["8.8.8.8", "127.0.0.1"]],
  ["mixed6.test", ["2001:4860:4860::8888", "::1"]],
]);

export const ADDRESS_FORMS: readonly AddressForm[] = [
  ...form("loopback", "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.0.0.1."),
  ...form("decimal", "2130706433", "127.0.1", "127.1", "127.65530"),
  ...form("octal", "0177.0.0.1", "0177.1", "017700000001", "00000177.0.0.01"),
  ...form("hexadecimal", "0x7f.0.0.1", "0x7f.1", "0x7f000001", "0X7F.0X0.0X0.0X1", "0x7f.00.0.01"),
  ...form("percent-encoded", "%31%32%37.0.0.1", "127%2e0.0.1", "%6c%6f%63%61%6c%68%6f%73%74"),
  ...form(
    "other digits and dots",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "\uff11\uff12\uff17.0.0.1",
  ),
  ...form("unspecified", "0", "0.0.0.0", "0x0", "00", "[::]", "[0:0:0:0:0:0:0:0]"),
  ...form("IPv6 loopback", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]"),
  ...form(
    "IPv4-mapped",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::FFFF:0:1]",
  ),
  ...form("IPv4-compatible and translated", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]"),
  ...form(
    "NAT64",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",
  ),
  ...form("6to4", "[2002:7f00:1::]", "[2002:7f00:1::1]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::]"),
  ...form("Teredo", "[2001::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"),
  ...form("private", "10.0.0.1", "172.16.0.1", "192.168.0.1", "0xa000001", "012.0.0.1"),
  ...form("carrier-grade NAT", "100.64.0.1", "100.127.255.254", "100.100.100.200"),
  ...form("link-local", "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "[febf::1]"),
  ...form("a cloud's metadata", "192.0.0.192", "168.63.129.16", "[fd00:ec2::254]"),
  ...form("unique and site-local", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]"),
  ...form("multicast and broadcast", "224.0.0.1", "239.255.255.255", "255.255.255.255", "[ff02::1]"),
  ...form("reserved", "240.0.0.1", "198.18.0.1", "192.0.2.1", "[2001:db8::1]", "[100::1]"),
  ...form("a name of the system", "localhost", "LOCALHOST"),
  ...form("a name", ...RESOLVED.keys()),
  ...["[::1%25lo]", "[fe80::1%25eth0]", "[::1%lo]", "127.0.0.256", "0x100000000", "[::ffff:127.0.0.256]"].map(
    (host) => ({ host, what: "no address", code: "bad_request" }) as const,
  ),
];
