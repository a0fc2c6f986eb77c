import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface LoopbackListener extends AsyncDisposable {
  readonly port: number;
  /** Connections that came, on whichever address. */
  hitCount(): number;
}

/** IPv6 may be switched off. */
const ADDRESSES = ["127.0.0.1", "127.0.0.2", "::1"];

/** An HTTP server on one port of every address of loopback that there is. */
export async function listenOnLoopback(answer: RequestListener): Promise<LoopbackListener> {
  let hits = 0;
  const servers: Server[] = [];
  let port = 0;
  for (const address of ADDRESSES) {
    const server = createServer(answer);
    server.on("connection", () => {
      hits += 1;
    });
    server.listen(port, address);
    if (!(await isListening(server))) continue;
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  return {
    port,
    hitCount: () => hits,
    async [Symbol.asyncDispose]() {
      await Promise.all(
        servers.map(async (server) => {
          server.close();
          server.closeAllConnections();
          await once(server, "close");
        }),
      );
    },
  };
}

async function isListening(server: Server): Promise<boolean> {
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return false;
    throw error;
  }
}
