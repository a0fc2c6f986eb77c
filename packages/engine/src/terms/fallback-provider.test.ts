import { afterEach, expect, test, vi } from "vitest";
import { send, startStub } from "../endpoints/remote/testing/stub-endpoint.js";
import type { TermProvider, TermQuery } from "../term-provider.js";
import { withFallback } from "./fallback-provider.js";
import { createOls4Provider } from "./ols4-provider.js";

afterEach(() => vi.useRealTimers());

type Mode = "works" | "fails" | "hangs";

function lookUp(text: string, signal = new AbortController().signal): TermQuery {
  return { text, limit: 5, mode: "autocomplete", signal };
}

/** Two real services on loopback, one behind the other; the first behaves as it is told. */
async function startPair(options: { readonly deadlineMs: number; readonly restMs: number }) {
  let mode: Mode = "works";
  const service = (name: string, modeOf: () => Mode) =>
    startStub((_request, response) => {
      if (modeOf() === "fails") response.writeHead(500).end();
      else if (modeOf() === "works") {
        send(
          response,
          JSON.stringify({ response: { docs: [{ iri: `urn:${name}`, label: name }] } }),
          "application/json",
        );
      }
    });
  const first = await service("first", () => mode);
  const second = await service("second", () => "works");
  const providers = [first, second].map(
    ({ origin }): TermProvider => createOls4Provider({ baseUrl: origin, timeoutMs: 20_000, cacheTtlMs: 0 }),
  );
  const [primary, secondary] = providers;
  if (primary === undefined || secondary === undefined) throw new Error("two were made");
  const provider = withFallback(primary, secondary, options);
  return {
    provider,
    first,
    ask: async (text: string) => (await provider.find(lookUp(text)))[0]?.label,
    set: (next: Mode) => {
      mode = next;
    },
    async [Symbol.asyncDispose]() {
      await provider.close();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

test("a first provider that works is the one that answers", async () => {
  await using pair = await startPair({ deadlineMs: 10_000, restMs: 60_000 });
  expect(await pair.ask("a")).toBe("first");
  expect(pair.provider.id).toBe("ols4");
});

test("one that fails is left alone until its rest is over, and then tried by one look-up", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  await using pair = await startPair({ deadlineMs: 10_000, restMs: 300 });
  pair.set("fails");
  expect(await pair.ask("a")).toBe("second");
  vi.advanceTimersByTime(299);
  expect(await pair.ask("ab")).toBe("second");
  expect(pair.first.requests).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(await Promise.all(["abc", "abcd", "abcde"].map(pair.ask))).toEqual(["second", "second", "second"]);
  expect(pair.first.requests).toHaveLength(2);
  pair.set("works");
  // The rest has doubled.
  vi.advanceTimersByTime(599);
  expect(await pair.ask("b")).toBe("second");
  vi.advanceTimersByTime(1);
  expect(await pair.ask("bc")).toBe("first");
  expect(await pair.ask("bcd")).toBe("first");
});

test("one that hangs costs its deadline once, not at every key", async () => {
  await using pair = await startPair({ deadlineMs: 150, restMs: 60_000 });
  pair.set("hangs");
  const startedAt = performance.now();
  expect(await pair.ask("a")).toBe("second");
  const firstMs = performance.now() - startedAt;
  expect(firstMs).toBeGreaterThanOrEqual(145);
  for (const text of ["ab", "abc", "abcd", "abcde"]) expect(await pair.ask(text)).toBe("second");
  expect(pair.first.requests).toHaveLength(1);
});

test("a look-up that its caller cancels says nothing of the provider", async () => {
  await using pair = await startPair({ deadlineMs: 10_000, restMs: 60_000 });
  pair.set("hangs");
  const controller = new AbortController();
  pair.first.events.once("request", () => controller.abort());
  await expect(pair.provider.find(lookUp("a", controller.signal))).rejects.toMatchObject({
    code: "query_cancelled",
  });
  pair.set("works");
  expect(await pair.ask("b")).toBe("first");
});

test("a bad request is neither's fault and is not passed on", async () => {
  await using pair = await startPair({ deadlineMs: 10_000, restMs: 60_000 });
  const query = { ...lookUp("a"), ontology: "no ontology" };
  await expect(pair.provider.find(query)).rejects.toMatchObject({ code: "bad_request" });
  expect(await pair.ask("b")).toBe("first");
});
