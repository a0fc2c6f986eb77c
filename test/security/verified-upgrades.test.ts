import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { createHookAuthenticator } from "../../packages/server/src/auth/hook.js";
import { SERVER_LIMITS } from "../../packages/server/src/limits.js";
import { createSignal } from "../../packages/server/src/signal.js";
import { createGate } from "../../packages/server/src/testing/gate.js";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { connectRaw } from "../support/raw-socket.js";

/** A server that verifies as many tokens as it is shown, and none of them until its gate is opened. */
async function startSlowServer(settings: { readonly maxConnectionsPerAddress: number }, untilCount: number) {
  const gate = createGate();
  const verifying = createSignal<void>();
  let count = 0;
  const authenticator = createHookAuthenticator(async (token) => {
    if (++count === untilCount) verifying.resolve();
    await gate.pass();
    return { userId: token };
  });
  const server = await startServer({ settings: { ...settings, authenticator } });
  const sockets: Socket[] = [];
  return {
    open: gate.open,
    verifying: verifying.promise,
    /** Settles with the status. */
    async upgrade(): Promise<string> {
      const socket = connectRaw(server.ws, { Authorization: `Bearer user${sockets.length}` });
      sockets.push(socket);
      const [answer] = await once(socket, "data");
      return String(answer).slice("HTTP/1.1 ".length, "HTTP/1.1 101".length);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("[AUTH-2] of exactly so many upgrades the token is verified at a time; a further one is refused at once", async () => {
  const { verifiedUpgradesCount } = SERVER_LIMITS;
  const settings = { maxConnectionsPerAddress: verifiedUpgradesCount + 1 };
  await using server = await startSlowServer(settings, verifiedUpgradesCount);
  const upgrades = Array.from({ length: verifiedUpgradesCount }, () => server.upgrade());
  await server.verifying;
  expect(await server.upgrade()).toBe("503");
  server.open();
  expect(new Set(await Promise.all(upgrades))).toEqual(new Set(["101"]));
  expect(await server.upgrade()).toBe("101");
});

test("[AUTH-2] who came while a token was verified counts when it is: no address has one connection too many", async () => {
  await using server = await startSlowServer({ maxConnectionsPerAddress: 1 }, 2);
  const upgrades = [server.upgrade(), server.upgrade()];
  await server.verifying;
  server.open();
  expect((await Promise.all(upgrades)).toSorted()).toEqual(["101", "429"]);
});
