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

/**
 * The files of the package as they are built, and a page that imports them: no bundler, nothing else. `/token` answers
 * what `makeToken` makes, and 503 where it rejects.
 */
export async function servePage(makeToken: () => Promise<string> = async () => "") {
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
    readFile(`${DIST}${path}`).then(
      (file) => response.end(file),
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
