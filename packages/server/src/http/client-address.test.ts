import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer } from "../testing/start-server.js";
import { openClient } from "../testing/test-client.js";
import { createProxyTrust } from "./client-address.js";

function request(remoteAddress: string, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  // What is read of it.
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const { addressOf } = createProxyTrust(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

test.each([
  ["a stranger is not believed", "192.0.2.1", "198.51.100.7", "192.0.2.1"],
  ["a trusted proxy is", "10.1.2.3", "198.51.100.7", "198.51.100.7"],
  ["IPv4 over a socket of both families is the same", "::ffff:10.1.2.3", "198.51.100.7", "198.51.100.7"],
  [
    "of a chain of trusted proxies the first stranger counts",
    "127.0.0.1",
    "198.51.100.7, 10.9.9.9",
    "198.51.100.7",
  ],
  ["what a client forged in front is not read", "127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"],
  ["what is no address ends the chain", "127.0.0.1", "203.0.113.9, what", "127.0.0.1"],
  ["IPv6 networks are known", "fd12::1", "2001:db8::7", "2001:db8::7"],
])("[PROXY-1] %s", (_, remote, forwarded, expected) => {
  expect(addressOf(request(remote, forwarded))).toBe(expected);
});

test("[PROXY-1] without the header, or where everybody is trusted, the last known address counts", () => {
  expect(addressOf(request("127.0.0.1"))).toBe("127.0.0.1");
  expect(addressOf(request("127.0.0.1", "10.0.0.2, 10.0.0.1"))).toBe("10.0.0.2");
});

test.each(["nobody", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/-1", "fd00::/129"])(
  "%s is no proxy to trust",
  (entry) => {
    expect(() => createProxyTrust([entry])).toThrow("no address and no network");
  },
);

test("[PROXY-2] limits per address are those of the client behind a trusted proxy", async () => {
  await using server = await startServer({
    settings: { trustedProxies: ["127.0.0.1"], maxConnectionsPerAddress: 1 },
  });
  const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
  await using first = await openClient(server.ws, from("198.51.100.1"));
  await first.next("connection_ack");
  await using second = await openClient(server.ws, from("198.51.100.2"));
  await second.next("connection_ack");
  const [, refused] = await once(
    new WebSocket(server.ws, from("203.0.113.9, 198.51.100.1")),
    "unexpected-response",
  );
  refused.resume();
  expect(refused.statusCode).toBe(429);
  expect([...server.server.live.hub.all()].map((peer) => peer.remoteAddress)).toEqual([
    "198.51.100.1",
    "198.51.100.2",
  ]);
});

test("[PROXY-2] a header of somebody who is not trusted changes nothing", async () => {
  await using server = await startServer({ settings: { maxConnectionsPerAddress: 1 } });
  const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
  await using first = await openClient(server.ws, from("198.51.100.1"));
  await first.next("connection_ack");
  const [, refused] = await once(new WebSocket(server.ws, from("198.51.100.2")), "unexpected-response");
  refused.resume();
  expect(refused.statusCode).toBe(429);
});

test("[PROXY-3] behind TLS the browser is told to stay with it; a stranger's word for that is not taken", async () => {
  await using server = await startServer({ settings: { trustedProxies: ["127.0.0.1"] } });
  const over = async (url: string, protocol: string) =>
    (await fetch(`${url}/healthz`, { headers: { "x-forwarded-proto": protocol } })).headers.get(
      "strict-transport-security",
    );
  expect(await over(server.url, "https")).toBe("max-age=31536000");
  expect(await over(server.url, "http")).toBeNull();
  await using other = await startServer();
  expect(await over(other.url, "https")).toBeNull();
});

test("[PROXY-2] an address is the same by WebSocket and by HTTP, whichever way it is written", async () => {
  await using server = await startServer({
    settings: {
      // Where a socket tells IPv4 as one of both families does.
      host: "::ffff:127.0.0.1",
      adminKey: "k".repeat(32),
      trustedProxies: ["127.0.0.1"],
    },
  });
  const base = `http://127.0.0.1:${new URL(server.url).port}/api/ws`;
  const failures: readonly [string | undefined, string][] = [
    [undefined, "127.0.0.1"],
    ["not an address", "127.0.0.1"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["198.51.100.9, 192.0.2.7", "192.0.2.7"],
  ];
  const expected: string[] = [];
  for (const [forwarded, address] of failures) {
    const headers = {
      authorization: `Bearer ${"w".repeat(32)}`,
      ...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }),
    };
    expect((await fetch(`${base}/connections`, { headers })).status).toBe(404);
    const [, refused] = await once(
      new WebSocket(`${base.replace("http", "ws")}/admin`, { headers }),
      "unexpected-response",
    );
    refused.resume();
    expect(refused.statusCode).toBe(404);
    expected.push(address, address);
  }
  const lines = server.logged.filter((line) => line.includes("wrong admin key"));
  expect(lines.map((line) => (JSON.parse(line) as { address: string }).address)).toEqual(expected);
});
