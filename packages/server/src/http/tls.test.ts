import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startServer } from "../testing/start-server.js";
import { type TemporaryFolder, temporaryFolder } from "../testing/temporary-folder.js";
import { openClient } from "../testing/test-client.js";
import { readTlsFiles } from "./tls.js";

const run = promisify(execFile);

async function makeCertificate(folder: TemporaryFolder, name: string) {
  const certificate = { tlsCert: folder.path(`${name}.crt`), tlsKey: folder.path(`${name}.key`) };
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", certificate.tlsKey, "-out", certificate.tlsCert],
  ]);
  return certificate;
}

/** The common name that the server shows, and the head of its answer. */
function ask(port: number): Promise<{ readonly name: string; readonly head: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.end("GET /healthz HTTP/1.0\r\n\r\n");
      socket.once("data", (data) => resolve({ name, head: String(data) }));
    });
    socket.once("error", reject);
  });
}

test("[TLS-1] with a certificate the server speaks TLS, and reads it again when it is told to [TLS-2]", async () => {
  await using folder = await temporaryFolder();
  const settings = await makeCertificate(folder, "first");
  await using server = await startServer({ settings });
  expect(server.url).toMatch(/^https:/);
  const port = Number(new URL(server.url).port);
  const { name, head } = await ask(port);
  expect(name).toBe("first");
  expect(head.toLowerCase()).toContain("strict-transport-security: max-age=31536000");
  await using client = await openClient(server.ws, { rejectUnauthorized: false });
  await client.next("connection_ack");

  const second = await makeCertificate(folder, "second");
  await copyFile(second.tlsKey, settings.tlsKey);
  expect(() => server.server.reloadTls()).toThrow();
  expect((await ask(port)).name).toBe("first");
  await copyFile(second.tlsCert, settings.tlsCert);
  server.server.reloadTls();
  expect((await ask(port)).name).toBe("second");
  client.send("ping");
  await client.next("pong");
});

test("[TLS-1] certificate and key come together, and must be there", () => {
  expect(readTlsFiles({ tlsCert: null, tlsKey: null })).toBeNull();
  expect(() => readTlsFiles({ tlsCert: "a.crt", tlsKey: null })).toThrow("name both files, or neither");
  expect(() => readTlsFiles({ tlsCert: "/nowhere/a.crt", tlsKey: "/nowhere/a.key" })).toThrow(
    "tlsCert cannot be read",
  );
});
