import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What becomes of one connection. */
interface Fate {
  /** Bytes, of both directions together, after which it is dropped without a word; absent: never. */
  readonly dropAfterBytes?: number;
  /** The same, but that it stays open and nothing goes through any more. */
  readonly stallAfterBytes?: number;
}

/** A proxy on loopback between clients and a server, which loses connections. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that came, ever. */
  readonly connectionsCount: number;
  /** Those that a fate has dropped or stalled. */
  readonly brokenCount: number;
  /** Of connections that come from now on, one after the other. */
  nextFate: () => Fate;
  /** Nothing goes through any more of the connections that are there; they stay open. */
  stall(): void;
  /** Drops the connections that are there, in the middle of what they carry. */
  drop(): void;
}

interface Pair {
  readonly sockets: readonly [Socket, Socket];
  isStalled: boolean;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let connectionsCount = 0;
  let brokenCount = 0;

  const server = createServer((client) => {
    connectionsCount++;
    const target = connect(targetPort, "127.0.0.1");
    const pair: Pair = { sockets: [client, target], isStalled: false };
    pairs.add(pair);
    const { dropAfterBytes, stallAfterBytes } = proxy.nextFate();
    let passedBytes = 0;
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      target.destroy();
    };
    const pass = (from: Socket, to: Socket) => {
      from.setNoDelay(true);
      from.on("data", (bytes) => {
        if (pair.isStalled) return;
        const bound = dropAfterBytes ?? stallAfterBytes ?? Number.POSITIVE_INFINITY;
        const part = bytes.subarray(0, Math.max(0, bound - passedBytes));
        passedBytes += part.byteLength;
        if (part.byteLength > 0) to.write(part);
        if (part.byteLength === bytes.byteLength) return;
        brokenCount++;
        if (dropAfterBytes === undefined) pair.isStalled = true;
        // What was written goes out before.
        else to.end(end);
      });
      from.on("error", () => undefined);
      from.on("close", end);
    };
    pass(client, target);
    pass(target, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const proxy: TcpProxy = {
    // It listens on a port of TCP.
    port: (server.address() as AddressInfo).port,
    get connectionsCount() {
      return connectionsCount;
    },
    get brokenCount() {
      return brokenCount;
    },
    nextFate: () => ({}),
    stall() {
      for (const pair of pairs) pair.isStalled = true;
    },
    drop() {
      for (const { sockets } of pairs) for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const { sockets } of pairs) for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
