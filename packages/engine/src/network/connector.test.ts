import { describe, expect, test } from "vitest";
import { createRemoteExecutor } from "../endpoints/remote/executor.js";
import { numbersDocument, run, SELECT } from "../endpoints/remote/testing/execution.js";
import { send, startStub } from "../endpoints/remote/testing/stub-endpoint.js";
import { createNetworkGuard, type Resolve } from "./guard.js";

/** A resolver that gives one answer after the other, then the last again, and the names it was asked. */
function scripted(...answers: (readonly string[])[]) {
  const asked: string[] = [];
  const resolve: Resolve = async (host) => {
    const addresses = answers[Math.min(asked.push(host), answers.length) - 1] ?? [];
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  return { asked, resolve };
}

/** Two servers on one port: at 127.0.0.2, which plays the internet, and at 127.0.0.1. */
async function startPair() {
  const outside = await startStub(
    (_request, response) => {
      response.setHeader("connection", "close");
      send(response, numbersDocument(1));
    },
    { host: "127.0.0.2" },
  );
  const port = Number(new URL(outside.url).port);
  const inside = await startStub((_request, response) => send(response, numbersDocument(1)), { port });
  return {
    outside,
    inside,
    port,
    async [Symbol.asyncDispose]() {
      await outside[Symbol.asyncDispose]();
      await inside[Symbol.asyncDispose]();
    },
  };
}

function executorAt(url: string, resolve: Resolve) {
  const guard = createNetworkGuard({ allowedNetworks: ["127.0.0.2"], resolve });
  return createRemoteExecutor({ url, guard, isTrusted: false });
}

describe("[GUARD-2] a name is looked up and checked when the connection is made:", () => {
  test("the address that was checked is the one that is connected to", async () => {
    await using pair = await startPair();
    const { asked, resolve } = scripted(["127.0.0.2"], ["127.0.0.1"]);
    const executor = executorAt(`http://rebind.test:${pair.port}/`, resolve);
    expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    expect(asked).toEqual(["rebind.test"]);
    expect(pair.outside.requests).toHaveLength(1);
    expect(pair.inside.requests).toHaveLength(0);
    await executor.close();
  });

  test("the next connection is checked again, when the name leads elsewhere", async () => {
    await using pair = await startPair();
    const { asked, resolve } = scripted(["127.0.0.2"], ["127.0.0.1"]);
    const executor = executorAt(`http://rebind.test:${pair.port}/`, resolve);
    await run(executor, SELECT);
    await expect.poll(() => pair.outside.sockets.size).toBe(0);
    const { failure } = await run(executor, SELECT);
    expect(failure?.code).toBe("address_forbidden");
    expect(failure?.message).not.toContain("127.0.0.1");
    expect(asked).toEqual(["rebind.test", "rebind.test"]);
    expect(pair.inside.requests).toHaveLength(0);
    await executor.close();
  });

  test.each([
    ["first", ["127.0.0.1", "127.0.0.2"]],
    ["last", ["127.0.0.2", "127.0.0.1"]],
    ["mapped", ["127.0.0.2", "::ffff:127.0.0.1"]],
  ])("one address that may not be asked refuses all of them (%s)", async (_title, addresses) => {
    await using pair = await startPair();
    const executor = executorAt(`http://mixed.test:${pair.port}/`, scripted(addresses).resolve);
    expect((await run(executor, SELECT)).failure?.code).toBe("address_forbidden");
    expect(pair.outside.requests).toHaveLength(0);
    expect(pair.inside.requests).toHaveLength(0);
    await executor.close();
  });

  test("a name without any address cannot be reached", async () => {
    const executor = executorAt("http://nowhere.test/", scripted([]).resolve);
    expect((await run(executor, SELECT)).failure?.code).toBe("endpoint_unavailable");
    await executor.close();
  });
});

test("[GUARD-4] an endpoint of the operator's is asked wherever it is", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(1)));
  for (const host of ["127.0.0.1", "localhost"]) {
    const executor = createRemoteExecutor({ url: stub.url.replace("127.0.0.1", host) });
    expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
    await executor.close();
  }
});

test("[GUARD-6] an allowed host name is asked whatever it resolves to", async () => {
  await using stub = await startStub((_request, response) => send(response, numbersDocument(1)));
  const url = stub.url.replace("127.0.0.1", "localhost");
  const guard = createNetworkGuard({ allowedNetworks: ["localhost"] });
  const executor = createRemoteExecutor({ url, guard, isTrusted: false });
  expect((await run(executor, SELECT)).completeness).toEqual({ status: "complete" });
  await executor.close();
});

test("[GUARD-3] that nothing listens is told without the address that the name resolved to", async () => {
  const stub = await startStub(() => undefined);
  await stub[Symbol.asyncDispose]();
  const url = stub.url.replace("127.0.0.1", "localhost");
  const executor = createRemoteExecutor({ url });
  const { failure } = await run(executor, SELECT);
  expect(failure?.code).toBe("endpoint_unavailable");
  expect(failure?.message).toContain("ECONNREFUSED");
  expect(failure?.message).not.toMatch(/127\.0\.0\.1|::1/);
  await executor.close();
});
