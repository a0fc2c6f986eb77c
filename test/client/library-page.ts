import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const PAGE = `<!doctype html><title>client</title><script type="module">
  import { SPARQLWebSocketClient } from "/client/index.js";
  import { indexedDbOutbox } from "/client/indexed-db.js";
  globalThis.library = { SPARQLWebSocketClient, indexedDbOutbox };
</script>`;
const DIST = fileURLToPath(new URL("../../packages/client/dist/", import.meta.url));

export interface PageOptions {
  /** What `/token` answers; 503 where it rejects. */
  readonly makeToken?: () => Promise<string>;
  /** Waited for before a file of the package is sent; 503 where it is `false`. */
  readonly mayServe?: (path: string) => boolean | Promise<boolean>;
}

/** The files of the package as they are built, and a page that imports them: no bundler, nothing else. */
export async function servePage({ makeToken = async () => "", mayServe = () => true }: PageOptions = {}) {
  const server = createServer((request, response) => {
    if (request.url === "/token") {
      makeToken().then(
        (token) => response.end(token),
        () => response.writeHead(503).end(),
      );
      return;
    }
    const path = /^\/client\/([\w/-]+\.js)$/.exec(request.url ?? "")?.[1];
    response.setHeader("content-type", path === undefined ? "text/html" : "text/javascript");
    if (path === undefined) return void response.end(PAGE);
    Promise.resolve(mayServe(path))
      .then((may) => (may ? readFile(`${DIST}${path}`) : null))
      .then(
        (file) => (file === null ? response.writeHead(503).end() : response.end(file)),
        () => response.writeHead(404).end(),
      );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
