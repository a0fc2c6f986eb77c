import { describe, expect, test } from "vitest";
import type { Endpoint, EndpointEntry } from "../endpoint.js";
import { createNetworkGuard } from "../network/guard.js";
import { createAdHocEndpoints } from "./ad-hoc.js";
import { openEndpoint } from "./open-endpoint.js";

const MAX_OPEN = 16;
const urlOf = (number: number) => `http://127.0.0.1:9/sparql/${number}`;

/** Real endpoints (that nobody asks anything), and who of them is open. */
function createObserved() {
  const open = new Set<string>();
  const opened: EndpointEntry[] = [];
  const endpoints = createAdHocEndpoints((entry): Endpoint => {
    const url = entry.url ?? "";
    open.add(url);
    opened.push(entry);
    const endpoint = openEndpoint(entry, {
      cacheFolder: null,
      onHealth: () => undefined,
      onTrouble: () => undefined,
      guard: createNetworkGuard(),
      isTrusted: true,
    });
    return {
      ...endpoint,
      close: async () => {
        open.delete(url);
        await endpoint.close();
      },
    };
  });
  return { endpoints, open, opened };
}

describe("leases", () => {
  test("an address is opened once, and stays open for the next one who asks it", async () => {
    const { endpoints, opened } = createObserved();
    await using _all = endpoints;
    const first = endpoints.lease(urlOf(1));
    const second = endpoints.lease(urlOf(1));
    expect(second.endpoint).toBe(first.endpoint);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    expect(endpoints.lease(urlOf(1)).endpoint).toBe(first.endpoint);
    expect(opened).toEqual([{ id: "127-0-0-1-9", title: urlOf(1), url: urlOf(1), probe: false }]);
  });

  test("an endpoint that was opened with headers is not used without them, nor with others", async () => {
    const { endpoints, opened } = createObserved();
    await using _all = endpoints;
    const first = endpoints.lease(urlOf(1), { authorization: "Basic YTpi" });
    expect(endpoints.lease(urlOf(1), { authorization: "Basic YTpi" }).endpoint).toBe(first.endpoint);
    expect(endpoints.lease(urlOf(1)).endpoint).not.toBe(first.endpoint);
    expect(endpoints.lease(urlOf(1), { authorization: "Basic Yjpj" }).endpoint).not.toBe(first.endpoint);
    const sent = opened.map(({ headers }) => headers?.authorization);
    expect(sent).toEqual(["Basic YTpi", undefined, "Basic Yjpj"]);
  });

  test("what is no http address is a bad request, and nothing is opened", () => {
    const { endpoints, opened } = createObserved();
    for (const url of ["", "e.test", "ftp://e.test/", "http://me:pw@e.test/"]) {
      expect(() => endpoints.lease(url)).toThrow(expect.objectContaining({ code: "bad_request" }));
    }
    expect(opened).toEqual([]);
  });
});

describe(`the bound of ${MAX_OPEN}`, () => {
  test("the one that was used longest ago closes first, and one in use never", async () => {
    const { endpoints, open } = createObserved();
    await using _all = endpoints;
    const held = endpoints.lease(urlOf(0));
    for (let at = 1; at < MAX_OPEN; at += 1) await endpoints.lease(urlOf(at))[Symbol.asyncDispose]();
    expect(open.size).toBe(MAX_OPEN);
    await endpoints.lease(urlOf(1))[Symbol.asyncDispose]();
    endpoints.lease(urlOf(100));
    expect(open.size).toBe(MAX_OPEN);
    expect(open.has(urlOf(2))).toBe(false);
    expect([0, 1, 100].every((number) => open.has(urlOf(number)))).toBe(true);
    await held[Symbol.asyncDispose]();
  });

  test("while all are in use one more is refused and not kept open; one given back makes room", async () => {
    const { endpoints, open } = createObserved();
    await using _all = endpoints;
    const leases = Array.from({ length: MAX_OPEN }, (_, at) => endpoints.lease(urlOf(at)));
    for (const number of [100, 101]) {
      expect(() => endpoints.lease(urlOf(number))).toThrow(
        expect.objectContaining({ code: "too_many_queries", retryAfterMs: 5_000 }),
      );
      expect(open.size).toBe(MAX_OPEN);
    }
    expect(endpoints.lease(urlOf(3)).endpoint).toBe(leases[3]?.endpoint);
    await leases[5]?.[Symbol.asyncDispose]();
    endpoints.lease(urlOf(100));
    expect(open.has(urlOf(5))).toBe(false);
    expect(open.size).toBe(MAX_OPEN);
  });

  test("the end closes those in use too", async () => {
    const { endpoints, open } = createObserved();
    endpoints.lease(urlOf(1));
    await endpoints.lease(urlOf(2))[Symbol.asyncDispose]();
    await endpoints[Symbol.asyncDispose]();
    expect(open.size).toBe(0);
  });
});
