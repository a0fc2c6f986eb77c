import { describe, expect, test } from "vitest";
import { LIMITS } from "../../limits.js";
import { createNetworkGuard } from "../../network/guard.js";
import { createRemoteExecutor } from "./executor.js";
import { numbersDocument, run, SELECT } from "./testing/execution.js";
import { send, startStub } from "./testing/stub-endpoint.js";

/** As if loopback were the internet. */
const openGuard = createNetworkGuard({ allowedNetworks: ["127.0.0.0/8"] });

describe("[GUARD-5] redirects", () => {
  test.each([301, 302, 307, 308])(
    "%i repeats the request, but keeps the caller's headers from other origins",
    async (status) => {
      await using target = await startStub((_request, response) => send(response, numbersDocument(1)));
      await using stub = await startStub((request, response) => {
        const location = request.path === "/sparql" ? "/here" : `${target.origin}/there`;
        response.writeHead(status, { location }).end();
      });
      const executor = createRemoteExecutor({
        url: stub.url,
        headers: { authorization: "Bearer secret", cookie: "a=b" },
        guard: openGuard,
      });
      expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
      expect(stub.requests.map((request) => request.headers.authorization)).toEqual([
        "Bearer secret",
        "Bearer secret",
      ]);
      const [request] = target.requests;
      expect(request).toMatchObject({ method: "POST", path: "/there" });
      expect(new URLSearchParams(request?.body).get("query")).toBe(SELECT.text);
      expect(request?.headers).not.toHaveProperty("authorization");
      expect(request?.headers).not.toHaveProperty("cookie");
      await executor.close();
    },
  );

  test("303 goes on with GET and without the form", async () => {
    await using stub = await startStub((request, response) => {
      if (request.path === "/result") send(response, numbersDocument(1));
      else response.writeHead(303, { location: "/result" }).end();
    });
    const executor = createRemoteExecutor({ url: stub.url });
    expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    expect(stub.requests[1]).toMatchObject({ method: "GET", path: "/result", body: "" });
    expect(stub.requests[1]?.headers).not.toHaveProperty("content-type");
    await executor.close();
  });

  test.each([
    ["a circle", (path: string) => (path === "/a" ? "/b" : "/a"), "upstream_error", 3],
    ["a way without end", (path: string) => `${path}x`, "upstream_error", 1 + LIMITS.maxRedirects],
    ["file:", () => "file:///etc/passwd", "address_forbidden", 1],
    ["credentials", () => "http://user:password@127.0.0.1/", "address_forbidden", 1],
    ["nonsense", () => "http://[", "upstream_error", 1],
  ])("to %s are not followed", async (_title, next, code, requestCount) => {
    await using stub = await startStub((request, response) => {
      response.writeHead(307, { location: next(request.path) }).end();
    });
    const executor = createRemoteExecutor({ url: stub.url });
    expect((await run(executor, SELECT)).failure?.code).toBe(code);
    expect(stub.requests).toHaveLength(requestCount);
    await executor.close();
  });

  test("to another origin and back do not bring the caller's headers back", async () => {
    await using other = await startStub((_request, response) => {
      response.writeHead(307, { location: `${home.origin}/again` }).end();
    });
    await using home = await startStub((request, response) => {
      if (request.path === "/again") send(response, numbersDocument(1));
      else response.writeHead(307, { location: `${other.origin}/` }).end();
    });
    const headers = { authorization: "Bearer secret" };
    const executor = createRemoteExecutor({ url: home.url, headers, guard: openGuard });
    expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    expect(home.requests.map((request) => request.headers.authorization)).toEqual([
      "Bearer secret",
      undefined,
    ]);
    await executor.close();
  });

  test("of a trusted endpoint to another port of its host open no connection", async () => {
    await using target = await startStub((_request, response) => send(response, numbersDocument(1)));
    await using stub = await startStub((_request, response) => {
      response.writeHead(307, { location: target.url }).end();
    });
    const executor = createRemoteExecutor({ url: stub.url });
    expect((await run(executor, SELECT)).failure?.code).toBe("address_forbidden");
    expect(stub.requests).toHaveLength(1);
    expect(target.sockets.size).toBe(0);
    expect(target.requests).toHaveLength(0);
    await executor.close();
  });
});
