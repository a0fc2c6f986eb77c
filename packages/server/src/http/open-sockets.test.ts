import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { boundOpenSockets } from "./open-sockets.js";

async function openBounded(maxCount: number) {
  const server = createServer((_request, response) => response.end("served"));
  boundOpenSockets(server, maxCount);
  server.on("upgrade", (_request, socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets = new Set<Socket>();
  return {
    async connect() {
      const accepted = once(server, "connection");
      const socket = connect(port, "127.0.0.1");
      sockets.add(socket);
      const [ofServer] = await accepted;
      sockets.add(ofServer);
      return { socket, ofServer };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

test("[LIMIT-8] so many silent sockets as the bound are held, the next is cut, and one that goes makes room", async () => {
  await using server = await openBounded(3);
  const held = [await server.connect(), await server.connect(), await server.connect()];
  const over = await server.connect();
  expect(over.ofServer.destroyed).toBe(true);
  await once(over.socket, "close");
  expect(held.map(({ ofServer }) => ofServer.destroyed)).toEqual([false, false, false]);
  const [first] = held;
  first?.socket.destroy();
  await once(first?.ofServer, "close");
  const after = await server.connect();
  after.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(String(await once(after.socket, "data"))).toContain("served");
});

test("[LIMIT-8] who was upgraded does not count", async () => {
  await using server = await openBounded(1);
  for (let index = 0; index < 3; index++) {
    const { socket } = await server.connect();
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    expect(String(await once(socket, "data"))).toContain("101");
  }
  expect((await server.connect()).ofServer.destroyed).toBe(false);
  expect((await server.connect()).ofServer.destroyed).toBe(true);
});
