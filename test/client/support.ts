import { type ClientOptions, SPARQLWebSocketClient } from "@sparql-live/client";

/** Quick to come back, so that tests are. */
const QUICK = { reconnectInterval: 20, reconnectDecay: 1 } as const;

/** A client that disconnects at the end of its scope. */
export function openLibraryClient(
  url: string,
  options: ClientOptions = {},
): SPARQLWebSocketClient & Disposable {
  const client = new SPARQLWebSocketClient(url, { ...QUICK, ...options });
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

/** Settles when the client has lost its connection; said before it is made to. */
export function lossOf(client: SPARQLWebSocketClient): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.on("state", ({ kind }) => {
      if (kind !== "reconnecting") return;
      stop();
      resolve();
    });
  });
}
