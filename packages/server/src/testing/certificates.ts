import { execFile } from "node:child_process";
import { connect } from "node:tls";
import { promisify } from "node:util";
import type { TemporaryFolder } from "./temporary-folder.js";

const run = promisify(execFile);

/** A certificate that is signed by itself, for the common name `name`, with its key. */
export async function makeCertificate(folder: TemporaryFolder, name: string) {
  const certificate = { tlsCert: folder.path(`${name}.crt`), tlsKey: folder.path(`${name}.key`) };
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", certificate.tlsKey, "-out", certificate.tlsCert],
  ]);
  return certificate;
}

/** The common name that the server shows, and the head of its answer. */
export function askOverTls(port: number): Promise<{ readonly name: string; readonly head: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.end("GET /healthz HTTP/1.0\r\n\r\n");
      socket.once("data", (data) => resolve({ name, head: String(data) }));
    });
    socket.once("error", reject);
  });
}
