import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { startStub, whenClosed } from "../endpoints/remote/testing/stub-endpoint.js";
import { LIMITS } from "../limits.js";
import { createNetworkGuard } from "./guard.js";
import { createGuardedFetch } from "./guarded-fetch.js";

const openGuard = createNetworkGuard({ allowedNetworks: ["127.0.0.0/8"] });

function redirect(response: ServerResponse, location: string, status = 302): void {
  response.writeHead(status, { location }).end();
}

test.each(["127.0.0.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "localhost"])(
  "[GUARD-2] fetch opens no connection to %s",
  async (host) => {
    await using stub = await startStub((_request, response) => response.end("secret"));
    await using guarded = createGuardedFetch();
    await expect(guarded.fetch(stub.url.replace("127.0.0.1", host))).rejects.toMatchObject({
      code: "address_forbidden",
    });
    expect(stub.sockets.size).toBe(0);
    expect(stub.requests).toHaveLength(0);
  },
);

test("[GUARD-4] fetch asks a trusted origin wherever it is, with method, headers and body, and no other", async () => {
  await using stub = await startStub((request, response) =>
    response.end(`${request.method} ${request.body}`),
  );
  await using other = await startStub((_request, response) => response.end("secret"));
  await using guarded = createGuardedFetch({ trustedUrls: [`${stub.origin}/v1`] });
  const response = await guarded.fetch(`${stub.origin}/v1/chat`, {
    method: "POST",
    headers: { authorization: "Bearer key", "content-type": "application/json" },
    body: '{"a":1}',
  });
  expect(await response.text()).toBe('POST {"a":1}');
  expect(stub.requests[0]?.headers).toMatchObject({
    authorization: "Bearer key",
    "content-type": "application/json",
  });
  await expect(guarded.fetch(other.url)).rejects.toMatchObject({ code: "address_forbidden" });
  expect(other.requests).toHaveLength(0);
});

test("[GUARD-5] fetch follows a redirect of a GET, and keeps all but harmless headers from other origins", async () => {
  await using target = await startStub((_request, response) => response.end("there"));
  await using stub = await startStub((request, response) =>
    redirect(response, request.path === "/sparql" ? "/here" : target.url),
  );
  await using guarded = createGuardedFetch({ guard: openGuard });
  const headers = { accept: "text/plain", authorization: "Bearer key", cookie: "a=b", "x-api-key": "key" };
  expect(await (await guarded.fetch(new URL(stub.url), { headers })).text()).toBe("there");
  expect(stub.requests.map((request) => request.headers["x-api-key"])).toEqual(["key", "key"]);
  expect(target.requests[0]?.headers).toMatchObject({ accept: "text/plain" });
  for (const name of ["authorization", "cookie", "x-api-key"]) {
    expect(target.requests[0]?.headers).not.toHaveProperty(name);
  }
});

test("[GUARD-5] fetch checks where a trusted origin redirects to", async () => {
  await using target = await startStub((_request, response) => response.end("secret"));
  await using stub = await startStub((_request, response) => redirect(response, target.url));
  await using guarded = createGuardedFetch({ trustedUrls: [stub.url] });
  await expect(guarded.fetch(stub.url)).rejects.toMatchObject({ code: "address_forbidden" });
  expect(stub.requests).toHaveLength(1);
  expect(target.requests).toHaveLength(0);
});

test.each([
  ["in a circle", (path: string) => (path === "/a" ? "/b" : "/a"), 3],
  ["without end", (path: string) => `${path}x`, 1 + LIMITS.maxRedirects],
])("[GUARD-5] fetch ends redirects %s", async (_title, next, requestCount) => {
  await using stub = await startStub((request, response) => redirect(response, next(request.path)));
  await using guarded = createGuardedFetch({ trustedUrls: [stub.url] });
  await expect(guarded.fetch(stub.url)).rejects.toMatchObject({ code: "upstream_error" });
  expect(stub.requests).toHaveLength(requestCount);
});

test("fetch repeats no POST at a redirect, and leaves redirects alone where it is asked to", async () => {
  await using stub = await startStub((_request, response) => redirect(response, "/there", 307));
  await using guarded = createGuardedFetch({ trustedUrls: [stub.url] });
  const post = guarded.fetch(stub.url, { method: "POST", body: "x" });
  await expect(post).rejects.toMatchObject({ code: "upstream_error" });
  const strict = guarded.fetch(stub.url, { redirect: "error" });
  await expect(strict).rejects.toMatchObject({ code: "upstream_error" });
  const manual = await guarded.fetch(stub.url, { redirect: "manual" });
  expect(manual.status).toBe(307);
  expect(manual.headers.get("location")).toBe("/there");
  expect(stub.requests).toHaveLength(3);
});

test("fetch asks nothing but http and https", async () => {
  await using guarded = createGuardedFetch();
  await expect(guarded.fetch("data:text/plain,x")).rejects.toMatchObject({ code: "address_forbidden" });
});

test("fetch ends when its signal aborts, and its connection with it", async () => {
  const controller = new AbortController();
  await using stub = await startStub(() => controller.abort());
  await using guarded = createGuardedFetch({ trustedUrls: [stub.url] });
  await expect(guarded.fetch(stub.url, { signal: controller.signal })).rejects.toMatchObject({
    name: "AbortError",
  });
  await Promise.all([...stub.sockets].map(whenClosed));
});
