import { describe, expect, test } from "vitest";
import { createNetworkGuard } from "./guard.js";

describe("[GUARD-6] of what is allowed besides the public internet", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", "192.168.0.1"],
    ["10.0.0.1", "10.0.0.1", "10.0.0.2"],
    ["0x7f.1", "127.0.0.1", "127.0.0.2"],
    ["fd00::/8", "fdff::1", "fe80::1"],
    ["::1", "::1", "::2"],
    ["[::1]", "::1", "::2"],
    ["::ffff:127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"],
    ["127.0.0.0/8", "127.0.0.1", "::ffff:127.0.0.1"],
    ["0.0.0.0/0", "127.0.0.1", "::1"],
    ["::/0", "::1", "127.0.0.1"],
  ])("%s has %s and not %s", (network, inside, outside) => {
    const guard = createNetworkGuard({ allowedNetworks: [network] });
    const check = (address: string) => () => guard.check(address, address);
    expect(check(inside)).not.toThrow();
    expect(check(outside)).toThrow(refusal(outside));
  });

  test("a host name is that name alone, in any case and with its final dot or not", () => {
    const guard = createNetworkGuard({ allowedNetworks: ["Sparql.Internal."] });
    for (const host of ["sparql.internal", "SPARQL.internal."]) {
      expect(() => guard.check("10.0.0.1", host)).not.toThrow();
    }
    for (const host of ["a.sparql.internal", "internal", "sparql.internal.example.org", "10.0.0.1"]) {
      expect(() => guard.check("10.0.0.1", host)).toThrow(refusal(host));
    }
  });

  test.each(["", "10.0.0.0/33", "10.0.0/8x", "host/8", "host:80", "[::1]:80", "::1/129", "a b", "http://h"])(
    "%j is a bad request",
    (network) => {
      expect(() => createNetworkGuard({ allowedNetworks: [network] })).toThrow(
        expect.objectContaining({ code: "bad_request", message: expect.stringContaining(`"${network}"`) }),
      );
    },
  );
});

test("[GUARD-3] a refusal names the host as it was asked for, not its address", () => {
  const check = () => createNetworkGuard().check("10.20.30.40", "db.example.org");
  expect(check).toThrow(refusal("db.example.org"));
  expect(check).not.toThrow("10.20.30.40");
});

function refusal(host: string): unknown {
  return expect.objectContaining({
    code: "address_forbidden",
    message: expect.stringMatching(`^${host.replaceAll(".", "\\.")} may not be asked`),
  });
}
