import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startServer } from "../../packages/server/src/testing/start-server.js";
import { temporaryFolder } from "../../packages/server/src/testing/temporary-folder.js";
import { openClient } from "../../packages/server/src/testing/test-client.js";
import { describeWithPackage } from "../interop/debian-package.js";
import { endProcess, freePort } from "../interop/processes.js";

const run = promisify(execFile);
const CONFIGURATION = "docs/guides/deploy/nginx.conf";
const isInstalled = spawnSync("nginx", ["-v"]).status === 0;

/** The configuration of the guide in front of a server, with ports, certificate and folders of its own. */
async function startNginx(serverPort: number) {
  const folder = await temporaryFolder();
  const [plainPort, port] = [await freePort(), await freePort()];
  const [certificate, key] = [folder.path("a.pem"), folder.path("a.key")];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=sparql-live.example.org", "-keyout", key, "-out", certificate],
  ]);
  const site = replaceAll(await readFile(CONFIGURATION, "utf8"), [
    ["listen 80;", `listen 127.0.0.1:${plainPort};`],
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["server 127.0.0.1:8000;", `server 127.0.0.1:${serverPort};`],
    ["/etc/ssl/certs/sparql-live.pem", certificate],
    ["/etc/ssl/private/sparql-live.key", key],
  ]);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder.path(name)};`,
  );
  const main = folder.path("nginx.conf");
  await writeFile(
    main,
    `daemon off; pid ${folder.path("pid")}; error_log stderr; events {} http { ${temporary.join(" ")}\n${site}\n}`,
  );
  const flags = ["-e", "stderr", "-c", main];
  await run("nginx", ["-t", ...flags]);
  const child = spawn("nginx", flags, { stdio: "ignore" });
  return {
    url: `https://127.0.0.1:${port}`,
    plainUrl: `http://127.0.0.1:${plainPort}`,
    async [Symbol.asyncDispose]() {
      // The master ends its workers when it is asked; they would outlive it otherwise.
      if (child.exitCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      await endProcess(child);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Each must be there: a guide that changed must not leave its test behind. */
function replaceAll(text: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [from] of pairs) expect(text).toContain(from);
  return pairs.reduce((changed, [from, to]) => changed.replace(from, to), text);
}

function ask(url: string, headers: Readonly<Record<string, string>> = {}) {
  return new Promise<{ status: number; body: string; hsts: unknown }>((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += String(chunk);
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body, hsts: answer.headers["strict-transport-security"] }),
      );
    });
    request.on("error", reject);
  });
}

describeWithPackage("nginx-light", isInstalled, "behind nginx as the guide configures it", () => {
  test("[PROXY-2] requests and WebSockets pass, and the client's address is seen, not one that it forged", async () => {
    await using server = await startServer({ settings: { trustedProxies: ["127.0.0.1"] } });
    await using nginx = await startNginx(Number(new URL(server.url).port));
    const sparql = `${nginx.url}/sparql?query=${encodeURIComponent("ASK { ?s ?p ?o }")}`;
    await expect
      .poll(() => ask(sparql).catch(() => null), { timeout: 20_000 })
      .toMatchObject({ status: 200, hsts: "max-age=31536000" });
    expect(JSON.parse((await ask(sparql)).body)).toMatchObject({ boolean: true });

    const forged = { "x-forwarded-for": "203.0.113.9", origin: nginx.url };
    await using client = await openClient(`${nginx.url.replace("https", "wss")}/api/ws/query?user_id=ada`, {
      rejectUnauthorized: false,
      headers: forged,
    });
    await client.next("connection_ack");
    client.send("query_request", { natural_language: "all cities" }, { message_id: "q" });
    expect((await client.run("q")).at(-1)).toMatchObject({ payload: { stage: "completed" } });
    expect([...server.server.live.hub.all()].map((peer) => peer.remoteAddress)).toEqual(["127.0.0.1"]);

    const closing = server.server.close();
    expect((await client.closed).code).toBe(1012);
    await closing;
  });

  test("without TLS one is sent to where there is", async () => {
    await using nginx = await startNginx(await freePort());
    const moved = () => fetch(`${nginx.plainUrl}/docs?a=1`, { redirect: "manual" }).catch(() => null);
    await expect.poll(async () => (await moved())?.status, { timeout: 20_000 }).toBe(301);
    expect((await moved())?.headers.get("location")).toBe("https://127.0.0.1/docs?a=1");
  });
});
