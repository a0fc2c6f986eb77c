import type { RevocationRecord } from "../store.js";
import type { Handlers } from "./operations.js";
import { checksum, number, type Row, type Sql, text, verify } from "./sql.js";

export function createRevocationTable(sql: Sql): Handlers<"putRevocation" | "listRevocations"> {
  const put = sql.prepare(
    `INSERT INTO revocations VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (kind, id) DO UPDATE SET revoked_at_ms = ?3, expires_at_ms = ?4, crc = ?5`,
  );
  const select = sql.prepare("SELECT kind, id, revoked_at_ms, expires_at_ms, crc FROM revocations");
  const expire = sql.prepare("DELETE FROM revocations WHERE expires_at_ms <= ?");
  return {
    putRevocation({ kind, id, revokedAtMs, expiresAtMs }) {
      put.run(kind, id, revokedAtMs, expiresAtMs, checksum(kind, id, revokedAtMs, expiresAtMs));
      return null;
    },
    listRevocations({ nowMs }) {
      expire.run(nowMs);
      return select.all().map(toRecord);
    },
  };
}

function toRecord([kindBlob, idBlob, revokedAt, expiresAt, crc]: Row): RevocationRecord {
  const [kind, id] = [text(kindBlob), text(idBlob)];
  const [revokedAtMs, expiresAtMs] = [number(revokedAt), number(expiresAt)];
  verify(crc, checksum(kind, id, revokedAtMs, expiresAtMs), "a revocation");
  // The checksum was right: it is what was put.
  return { kind: kind as RevocationRecord["kind"], id, revokedAtMs, expiresAtMs };
}
