import { copyFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { askOverTls, makeCertificate } from "../testing/certificates.js";
import { startCommand } from "../testing/start-command.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

test("[TLS-2] SIGHUP reads the certificate again, and one that does not fit is refused and the server goes on", async () => {
  await using folder = await temporaryFolder();
  const { tlsCert, tlsKey } = await makeCertificate(folder, "first");
  const second = await makeCertificate(folder, "second");
  await using server = await startCommand("--tls-cert", tlsCert, "--tls-key", tlsKey);
  const port = Number(new URL(server.url).port);
  const nameOf = async () => (await askOverTls(port)).name;
  expect(await nameOf()).toBe("first");
  await copyFile(second.tlsKey, tlsKey);
  server.child.kill("SIGHUP");
  await server.logged(/could not be read again/);
  expect(await nameOf()).toBe("first");
  await copyFile(second.tlsCert, tlsCert);
  server.child.kill("SIGHUP");
  await server.logged(/was read again/);
  expect(await nameOf()).toBe("second");
  server.child.kill("SIGTERM");
  expect(await server.exited).toEqual([0, null]);
});
