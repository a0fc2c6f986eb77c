import { afterEach, describe, expect, test, vi } from "vitest";
import { send, startStub, whenClosed } from "../endpoints/remote/testing/stub-endpoint.js";
import type { TermQuery } from "../term-provider.js";
import { createOls4Provider } from "./ols4-provider.js";

afterEach(() => vi.useRealTimers());

const JSON_TYPE = "application/json;charset=UTF-8";

function termQuery(query: Partial<TermQuery> = {}): TermQuery {
  return { text: "apoptosis", limit: 10, mode: "search", signal: new AbortController().signal, ...query };
}

/** As the service answers, with all that it sends and this project does not use. */
const ANSWER = {
  responseHeader: { status: 0, QTime: 12 },
  response: {
    numFound: 2,
    start: 0,
    docs: [
      {
        id: "go:class:http://purl.obolibrary.org/obo/GO_0006915",
        iri: "http://purl.obolibrary.org/obo/GO_0006915",
        ontology_name: "go",
        label: "apoptotic process",
        description: ["A programmed cell death process.", "Another text."],
        synonym: ["apoptosis", "type I programmed cell death"],
        short_form: "GO_0006915",
        obo_id: "GO:0006915",
        type: "class",
        score: 8,
      },
      { iri: "http://example.org/t", short_form: "t", description: [], score: 2 },
    ],
  },
  facet_counts: { facet_fields: {} },
};

test("a search asks /api/search and maps what it finds", async () => {
  await using stub = await startStub((_request, response) =>
    send(response, JSON.stringify(ANSWER), JSON_TYPE),
  );
  const provider = createOls4Provider({ baseUrl: `${stub.origin}/ols4/` });
  expect(await provider.find(termQuery({ ontology: "GO", limit: 7 }))).toEqual([
    {
      iri: "http://purl.obolibrary.org/obo/GO_0006915",
      label: "apoptotic process",
      description: "A programmed cell death process.",
      ontology: "go",
      synonyms: ["apoptosis", "type I programmed cell death"],
      score: 1,
    },
    { iri: "http://example.org/t", label: "t", description: "", ontology: "", synonyms: [], score: 0.25 },
  ]);
  const url = new URL(stub.requests[0]?.path ?? "", stub.origin);
  expect(url.pathname).toBe("/ols4/api/search");
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ q: "apoptosis", ontology: "go", rows: "7" });
  expect(url.searchParams.get("fieldList")).toContain("synonym");
  await provider.close();
});

test("autocomplete asks /api/select, whose order is the score", async () => {
  const docs = ["a", "b", "c", "d"].map((name) => ({ iri: `urn:${name}`, label: name }));
  await using stub = await startStub((_request, response) =>
    send(response, JSON.stringify({ response: { docs } }), JSON_TYPE),
  );
  const provider = createOls4Provider({ baseUrl: stub.origin });
  const found = await provider.find(termQuery({ mode: "autocomplete" }));
  expect(found.map(({ iri, score }) => [iri, score])).toEqual([
    ["urn:a", 1],
    ["urn:b", 0.75],
    ["urn:c", 0.5],
    ["urn:d", 0.25],
  ]);
  expect(stub.requests[0]?.path).toMatch(/^\/api\/select\?/);
  await provider.close();
});

test.each([
  ["GO:0006915", "GO:0006915"],
  ["trans-golgi network", "trans-golgi network"],
  ['label:"x" OR *', "label x or"],
  ["+must -not (a && b) || c!", "must not a b c"],
  ["cafe\u0301 \\ [1 TO 2]", "cafe\u0301 1 TO 2"],
])("%j is looked up as %j: text is no query language", async (text, sent) => {
  await using stub = await startStub((_request, response) =>
    send(response, JSON.stringify(ANSWER), JSON_TYPE),
  );
  const provider = createOls4Provider({ baseUrl: stub.origin });
  await provider.find(termQuery({ text }));
  const url = new URL(stub.requests[0]?.path ?? "", stub.origin);
  expect(url.searchParams.get("q")).toBe(sent);
  await provider.close();
});

test("text with nothing to look up asks nobody", async () => {
  await using stub = await startStub((_request, response) => send(response, "{}", JSON_TYPE));
  const provider = createOls4Provider({ baseUrl: stub.origin });
  expect(await provider.find(termQuery({ text: ' "*" ' }))).toEqual([]);
  expect(stub.requests).toHaveLength(0);
  await provider.close();
});

test("the same look-up is answered from memory until it is too old, and failures are not kept", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  let fail = true;
  await using stub = await startStub((_request, response) => {
    if (fail) response.writeHead(500).end();
    else send(response, JSON.stringify(ANSWER), JSON_TYPE);
  });
  const provider = createOls4Provider({ baseUrl: stub.origin, cacheTtlMs: 60_000 });
  await expect(provider.find(termQuery())).rejects.toMatchObject({ code: "upstream_error" });
  fail = false;
  const first = await provider.find(termQuery());
  expect(await provider.find(termQuery())).toEqual(first);
  expect(stub.requests).toHaveLength(2);
  await provider.find(termQuery({ mode: "autocomplete" }));
  expect(stub.requests).toHaveLength(3);
  vi.advanceTimersByTime(60_000);
  await provider.find(termQuery());
  expect(stub.requests).toHaveLength(4);
  await provider.close();
});

describe("a service that fails is named as failing:", () => {
  test.each([
    ["an error", 503, "text/plain", "down", "upstream_error"],
    ["a login", 401, "text/html", "<html>", "endpoint_forbidden"],
    ["a web page", 200, "text/html", "<html>", "upstream_bad_response"],
    ["other JSON", 200, JSON_TYPE, '{"response":{}}', "upstream_bad_response"],
    ["a flood", 200, JSON_TYPE, `"${"x".repeat(3 * 1024 * 1024)}"`, "upstream_bad_response"],
  ])("%s", async (_title, status, type, body, code) => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(status, { "content-type": type }).end(body);
    });
    const provider = createOls4Provider({ baseUrl: stub.origin, timeoutMs: 10_000 });
    await expect(provider.find(termQuery())).rejects.toMatchObject({ code });
    await provider.close();
  });

  test("one that hangs, at its deadline", async () => {
    await using stub = await startStub((_request, response) => {
      response.writeHead(200, { "content-type": JSON_TYPE });
      response.write("{");
    });
    const provider = createOls4Provider({ baseUrl: stub.origin, timeoutMs: 100 });
    const startedAt = performance.now();
    await expect(provider.find(termQuery())).rejects.toMatchObject({ code: "upstream_timeout" });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await provider.close();
  });

  test("[GUARD-5] one that redirects to where nobody may ask", async () => {
    await using target = await startStub((_request, response) => send(response, "{}", JSON_TYPE));
    await using stub = await startStub((_request, response) => {
      response.writeHead(302, { location: target.url }).end();
    });
    const provider = createOls4Provider({ baseUrl: stub.origin, timeoutMs: 10_000 });
    await expect(provider.find(termQuery())).rejects.toMatchObject({ code: "address_forbidden" });
    expect(stub.requests).toHaveLength(1);
    expect(target.requests).toHaveLength(0);
    await provider.close();
  });
});

test("a cancelled look-up closes its connection", async () => {
  const controller = new AbortController();
  await using stub = await startStub(() => controller.abort());
  const provider = createOls4Provider({ baseUrl: stub.origin, timeoutMs: 10_000 });
  await expect(provider.find(termQuery({ signal: controller.signal }))).rejects.toMatchObject({
    code: "query_cancelled",
  });
  await Promise.all([...stub.sockets].map(whenClosed));
  await provider.close();
});

test("what is no name of an ontology is a bad request", async () => {
  const provider = createOls4Provider();
  await expect(provider.find(termQuery({ ontology: "go) OR (x" }))).rejects.toMatchObject({
    code: "bad_request",
  });
  await provider.close();
});
