import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Bounds how many sockets a server holds that carry no WebSocket: those that ask, idle ones, and those that say
 * nothing. Above it a newcomer is cut at once; timeouts make room soon. WebSockets are bounded by who they are of.
 */
export function boundOpenSockets(server: Server, maxCount: number): void {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    if (open.size >= maxCount) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  // A server's upgrade hands over the socket of its `connection`; the type is wider for the sake of tunnels.
  server.on("upgrade", (_request, socket) => open.delete(socket as Socket));
}
