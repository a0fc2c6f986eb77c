import { expect, test } from "vitest";
import type { RevocationRecord } from "../../store.js";
import type { StorageKind } from "../../testing/storages.js";

const record = (id: string, more: Partial<RevocationRecord> = {}): RevocationRecord => ({
  kind: "token",
  id,
  revokedAtMs: 1_800_000_000_000,
  expiresAtMs: 1_800_000_600_000,
  ...more,
});

const sorted = (records: readonly RevocationRecord[]) =>
  [...records].sort((a, b) => `${a.kind}${a.id}`.localeCompare(`${b.kind}${b.id}`));

/** Every sentence of `RevocationRecords`. */
export function revocationsContract({ open }: StorageKind): void {
  test("what was put is listed, also after it was opened again, until it has expired", async () => {
    await using storage = await open();
    const { revocations } = storage.store;
    expect(await revocations.list(0)).toEqual([]);
    const late = record("a", { kind: "user", expiresAtMs: 1_800_000_900_000 });
    const all = [record("__proto__"), record("a"), record("a", { kind: "session" }), late];
    for (const each of all) await revocations.put(each);
    await using again = await storage.reopened();
    const kept = again.store.revocations;
    expect(sorted(await kept.list(1_800_000_599_999))).toEqual(sorted(all));
    expect(await kept.list(1_800_000_600_000)).toEqual([late]);
    expect(await kept.list(0)).toEqual([late]);
  });

  test("one of the same kind and id takes the place of the one before", async () => {
    await using storage = await open();
    const { revocations } = storage.store;
    await revocations.put(record("a"));
    const later = record("a", { revokedAtMs: 1_800_000_000_001, expiresAtMs: 1_800_000_700_000 });
    await revocations.put(later);
    expect(await revocations.list(0)).toEqual([later]);
  });
}
