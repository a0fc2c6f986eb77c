import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createRemoteExecutor } from "./executor.js";
import { executeOptions, numbersDocument, run, SELECT, sendForever } from "./testing/execution.js";
import { send, startStub, whenClosed } from "./testing/stub-endpoint.js";

const MB = 1024 * 1024;

describe("a caller who", () => {
  test("does not pull stops the endpoint from sending, and gets the rest when he goes on", async () => {
    let sentBytes = () => 0;
    await using stub = await startStub((_request, response) => {
      sentBytes = sendForever(response);
    });
    const executor = createRemoteExecutor({ url: stub.url });
    const events = executor.execute(SELECT, executeOptions({ maxRows: 1e9, maxBytes: 1e12 }));
    while ((await events.next()).value?.kind !== "rows");
    const stalledAt = await whenSteady(sentBytes);
    // The buffers of the kernel on both sides, and one chunk on each of ours.
    expect(stalledAt).toBeLessThan(24 * MB);
    let rowCount = 0;
    while (sentBytes() <= stalledAt + MB) {
      const { value } = await events.next();
      if (value?.kind === "rows") rowCount += value.rows.length;
    }
    expect(rowCount).toBeGreaterThan(0);
    await events.return();
    await executor.close();
  });

  test.each(["before the headers", "in the body", "while nobody pulls"])(
    "cancels %s has the connection closed at once",
    async (when) => {
      await using stub = await startStub((_request, response) => {
        if (when !== "before the headers") sendForever(response);
      });
      const executor = createRemoteExecutor({ url: stub.url });
      const controller = new AbortController();
      const events = executor.execute(
        SELECT,
        executeOptions({ signal: controller.signal, maxRows: 1e9, maxBytes: 1e12 }),
      );
      await events.next();
      let pending = events.next();
      await once(stub.events, "request");
      if (when !== "before the headers") await pending;
      if (when === "in the body") pending = events.next();
      const settled = Promise.allSettled([pending]);
      const closed = whenClosed(onlySocket(stub.sockets));
      const cancelledAt = performance.now();
      controller.abort();
      await closed;
      const elapsedMs = performance.now() - cancelledAt;
      expect(elapsedMs).toBeLessThan(1_000);
      const [outcome] = await settled;
      // An event that was at hand when we cancelled may still come; the one after it does not.
      const last = outcome.status === "rejected" ? pending : events.next();
      await expect(last).rejects.toMatchObject({ code: "query_cancelled" });
      await executor.close();
    },
  );

  test("ends the iteration early has the connection closed too", async () => {
    await using stub = await startStub((_request, response) => void sendForever(response));
    const executor = createRemoteExecutor({ url: stub.url });
    let closed: Promise<unknown> | undefined;
    for await (const event of executor.execute(SELECT, executeOptions())) {
      if (event.kind !== "rows") continue;
      closed = whenClosed(onlySocket(stub.sockets));
      break;
    }
    await closed;
    await executor.close();
  });

  test("was gone before the start sends nothing", async () => {
    await using stub = await startStub((_request, response) => send(response, numbersDocument(1)));
    const executor = createRemoteExecutor({ url: stub.url });
    const { failure } = await run(executor, SELECT, { signal: AbortSignal.abort() });
    expect(failure?.code).toBe("query_cancelled");
    expect(stub.requests).toHaveLength(0);
    await executor.close();
  });
});

function onlySocket(sockets: ReadonlySet<Socket>): Socket {
  const [socket] = sockets;
  if (socket === undefined) throw new Error("the stub has no connection");
  return socket;
}

/** The value of a counter once it has not moved for half a second. */
async function whenSteady(counter: () => number): Promise<number> {
  let last = counter();
  for (let round = 0; round < 40; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (counter() === last) return last;
    last = counter();
  }
  throw new Error("the counter never came to rest");
}
