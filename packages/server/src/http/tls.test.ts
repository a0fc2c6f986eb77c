import { copyFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { askOverTls, makeCertificate } from "../testing/certificates.js";
import { startServer } from "../testing/start-server.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { openClient } from "../testing/test-client.js";
import { readTlsFiles } from "./tls.js";

test("[TLS-1] with a certificate the server speaks TLS, and reads it again when it is told to [TLS-2]", async () => {
  await using folder = await temporaryFolder();
  const settings = await makeCertificate(folder, "first");
  await using server = await startServer({ settings });
  expect(server.url).toMatch(/^https:/);
  const port = Number(new URL(server.url).port);
  const { name, head } = await askOverTls(port);
  expect(name).toBe("first");
  expect(head.toLowerCase()).toContain("strict-transport-security: max-age=31536000");
  await using client = await openClient(server.ws, { rejectUnauthorized: false });
  await client.next("connection_ack");

  const second = await makeCertificate(folder, "second");
  await copyFile(second.tlsKey, settings.tlsKey);
  expect(() => server.server.reloadTls()).toThrow();
  expect((await askOverTls(port)).name).toBe("first");
  await copyFile(second.tlsCert, settings.tlsCert);
  server.server.reloadTls();
  expect((await askOverTls(port)).name).toBe("second");
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
