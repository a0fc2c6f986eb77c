import { describe, expect, test } from "vitest";
import { EngineFailure } from "../../failure.js";
import { onlyPublicAddresses } from "./address-guard.js";
import { createRemoteExecutor } from "./executor.js";
import { numbersDocument, run, SELECT } from "./testing/execution.js";
import { send, startStub } from "./testing/stub-endpoint.js";

describe("of addresses, onlyPublicAddresses", () => {
  test.each(["8.8.8.8", "193.62.193.80", "2001:4860:4860::8888", "2a00:1450:4001::200e"])(
    "lets %s through",
    (address) => {
      expect(() => onlyPublicAddresses(address, "example.org")).not.toThrow();
    },
  );

  test.each([
    ["loopback", "127.0.0.1"],
    ["loopback", "127.8.9.10"],
    ["loopback", "::1"],
    ["unspecified", "0.0.0.0"],
    ["unspecified", "::"],
    ["private", "10.1.2.3"],
    ["private", "172.16.0.1"],
    ["private", "192.168.1.1"],
    ["unique local", "fd00::1"],
    ["link-local, where clouds keep their secrets", "169.254.169.254"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["site-local", "fec0::1"],
    ["carrier-grade NAT", "100.64.0.1"],
    ["multicast", "224.0.0.1"],
    ["multicast", "ff02::1"],
    ["broadcast", "255.255.255.255"],
    ["reserved", "240.0.0.1"],
    ["benchmarking", "198.18.0.1"],
    ["documentation", "192.0.2.1"],
    ["documentation", "2001:db8::1"],
    ["IPv4-mapped loopback", "::ffff:127.0.0.1"],
    ["IPv4-mapped public", "::ffff:8.8.8.8"],
    ["IPv4-compatible loopback", "::7f00:1"],
    ["NAT64 of loopback", "64:ff9b::7f00:1"],
    ["local NAT64", "64:ff9b:1::7f00:1"],
    ["6to4 of loopback", "2002:7f00:1::"],
    ["Teredo", "2001::1"],
    ["no address", "example.org"],
  ])("refuses %s: %s", (_title, address) => {
    expect(() => onlyPublicAddresses(address, "example.org")).toThrow(
      expect.objectContaining({ code: "endpoint_forbidden" }),
    );
  });
});

describe("an executor with onlyPublicAddresses opens no connection to", () => {
  test.each([
    ["a literal", "127.0.0.1"],
    ["a decimal literal", "2130706433"],
    ["an octal literal", "0177.0.0.1"],
    ["a hexadecimal literal", "0x7f.1"],
    ["a short literal", "127.1"],
    ["an IPv6 literal", "[::1]"],
    ["an IPv4-mapped literal", "[::ffff:127.0.0.1]"],
    ["a name that resolves to loopback", "localhost"],
  ])("%s: %s", async (_title, host) => {
    await using stub = await startStub((_request, response) => send(response, numbersDocument(1)));
    const url = stub.url.replace("127.0.0.1", host);
    const executor = createRemoteExecutor({ url, checkAddress: onlyPublicAddresses });
    expect((await run(executor, SELECT)).failure?.code).toBe("endpoint_forbidden");
    expect(stub.sockets.size).toBe(0);
    expect(stub.requests).toHaveLength(0);
    await executor.close();
  });

  test("what a redirect leads to", async () => {
    await using target = await startStub((_request, response) => send(response, numbersDocument(1)));
    await using stub = await startStub((_request, response) => {
      response.writeHead(307, { location: target.url.replace("127.0.0.1", "127.0.0.2") }).end();
    });
    const checkAddress = (address: string, host: string) => {
      // The stub plays an endpoint of the public internet; everything else is checked for real.
      if (address !== "127.0.0.1") onlyPublicAddresses(address, host);
    };
    const executor = createRemoteExecutor({ url: stub.url, checkAddress });
    const { failure } = await run(executor, SELECT);
    expect(failure).toBeInstanceOf(EngineFailure);
    expect(failure).toMatchObject({
      code: "endpoint_forbidden",
      message: expect.stringContaining("127.0.0.2"),
    });
    await executor.close();
  });
});

test("a check that lets a name through sees each of its addresses, and the query is answered", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(1)));
  const seen: string[] = [];
  const executor = createRemoteExecutor({
    url: stub.url.replace("127.0.0.1", "localhost"),
    checkAddress: (address, host) => seen.push(`${host} ${address}`),
  });
  expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
  expect(seen).toContain("localhost 127.0.0.1");
  await executor.close();
});
