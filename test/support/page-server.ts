import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const OTHER_REACT = fileURLToPath(new URL("../react-18/node_modules/", import.meta.url));

export type ReactVersion = 18 | 19;

/** One file of a program and all that it imports, with React of the version. */
export async function bundleOf(
  entry: string,
  version: ReactVersion,
  platform: "browser" | "node" = "browser",
): Promise<string> {
  const alias =
    version === 18 ? { react: `${OTHER_REACT}react`, "react-dom": `${OTHER_REACT}react-dom` } : undefined;
  const bundle = await rolldown({
    input: entry,
    platform,
    ...(alias === undefined ? {} : { resolve: { alias } }),
    transform: { define: { "process.env.NODE_ENV": '"development"' } },
  });
  const { output } = await bundle.generate({ format: "es", codeSplitting: false });
  await bundle.close();
  return output[0].code;
}

export interface PageServer extends AsyncDisposable {
  readonly origin: string;
}

/** A page that runs a program, and nothing else. */
export async function servePage(program: string, body = ""): Promise<PageServer> {
  const page = `<!doctype html><meta charset="utf-8"><title>Page</title><body>${body}<script type="module" src="/app.js"></script>`;
  const server = createServer(({ url }, response) => {
    const isProgram = url === "/app.js";
    response.setHeader("content-type", isProgram ? "text/javascript" : "text/html");
    response.end(isProgram ? program : page);
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
