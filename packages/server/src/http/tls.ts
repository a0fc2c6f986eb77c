import { readFileSync } from "node:fs";
import { SettingsError } from "../settings/settings-error.js";
import type { Settings } from "../settings/table.js";

interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** `null` where neither file is named. Throws `SettingsError` where only one is, or one cannot be read. */
export function readTlsFiles({
  tlsCert,
  tlsKey,
}: Partial<Pick<Settings, "tlsCert" | "tlsKey">>): TlsFiles | null {
  const certPath = tlsCert ?? null;
  const keyPath = tlsKey ?? null;
  if (certPath === null && keyPath === null) return null;
  if (certPath === null || keyPath === null) {
    throw new SettingsError("tlsCert and tlsKey belong together: name both files, or neither.");
  }
  return { cert: read("tlsCert", certPath), key: read("tlsKey", keyPath) };
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SettingsError(
      `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
