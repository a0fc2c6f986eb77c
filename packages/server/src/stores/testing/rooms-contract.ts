import { expect, test } from "vitest";
import type { RoomRecord, RoomRole } from "../../store.js";
import type { StorageKind } from "../../testing/storages.js";

const ROLES: Readonly<Record<string, RoomRole>> = { ada: "owner", bob: "viewer" };

const room = (id: string, more: Partial<RoomRecord> = {}): RoomRecord => ({
  id,
  name: `Room ${id}`,
  ownerId: "ada",
  createdAtMs: 1,
  maxMembersCount: 50,
  isPublic: false,
  isEncrypted: false,
  metadata: { topic: "proteins", nested: { deep: [1, null, "ü"] } },
  roles: ROLES,
  defaultRole: "editor",
  bannedUserIds: ["eve"],
  invite: "secret",
  ...more,
});

/** Every sentence of `RoomRecords`. */
export function roomsContract({ open }: StorageKind): void {
  test("a room comes back as it was put, until it is replaced or deleted", async () => {
    await using storage = await open();
    const { rooms } = storage.store;
    expect(await rooms.get("a")).toBeNull();
    await rooms.put(room("a"));
    await rooms.put(room("b", { ownerId: null, invite: null, isPublic: true }));
    expect(await rooms.get("a")).toEqual(room("a"));
    await rooms.put(room("a", { name: "Renamed", metadata: {} }));
    await using again = await storage.reopened();
    const kept = again.store.rooms;
    expect(await kept.get("a")).toEqual(room("a", { name: "Renamed", metadata: {} }));
    expect(await kept.get("b")).toEqual(room("b", { ownerId: null, invite: null, isPublic: true }));
    expect(await kept.delete("a")).toBe(true);
    expect(await kept.delete("a")).toBe(false);
    expect(await kept.get("a")).toBeNull();
  });

  test("what is put or read can be changed without changing what is kept", async () => {
    await using storage = await open();
    const { rooms } = storage.store;
    const metadata: Record<string, unknown> = { topic: "one" };
    const putting = rooms.put(room("a", { metadata }));
    metadata.topic = "two";
    await putting;
    const read = await rooms.get("a");
    Object.assign(read?.metadata ?? {}, { topic: "three" });
    expect((await rooms.get("a"))?.metadata).toEqual({ topic: "one" });
  });

  test("ids of any characters are ids like others", async () => {
    await using storage = await open();
    const { rooms } = storage.store;
    const ids = ["__proto__", "constructor", "", "a\0b", "a\0c"];
    const roles = JSON.parse('{"__proto__": "owner", "constructor": "viewer"}') as Record<string, RoomRole>;
    for (const id of ids) await rooms.put(room(id, { roles }));
    expect(await rooms.count()).toBe(ids.length);
    for (const id of ids) expect((await rooms.get(id))?.id).toBe(id);
    expect(JSON.stringify((await rooms.get("__proto__"))?.roles)).toBe(JSON.stringify(roles));
  });

  test("rooms are listed a page at a time, oldest first; one that is replaced keeps its place", async () => {
    await using storage = await open();
    const { rooms } = storage.store;
    for (const id of ["c", "a", "b", "d"]) await rooms.put(room(id));
    await rooms.put(room("a", { name: "Renamed" }));
    await rooms.delete("b");
    await rooms.put(room("b"));
    const page = async (offset: number, limit: number) =>
      (await rooms.list({ offset, limit })).map(({ id }) => id);
    expect(await page(0, 10)).toEqual(["c", "a", "d", "b"]);
    expect(await page(1, 2)).toEqual(["a", "d"]);
    expect(await page(3, 2)).toEqual(["b"]);
    expect(await page(4, 2)).toEqual([]);
    expect(await page(0, 0)).toEqual([]);
    expect(await rooms.count()).toBe(4);
  });

  test("[HTTP-14] of the public rooms alone pages are told as if there were no others", async () => {
    await using storage = await open();
    for (const [index, id] of ["a", "b", "c", "d", "e", "f"].entries()) {
      await storage.store.rooms.put(room(id, { isPublic: index % 2 === 0, metadata: { isPublic: true } }));
    }
    await storage.store.rooms.put(room("f", { isPublic: true }));
    await storage.store.rooms.put(room("a", { isPublic: false }));
    await using again = await storage.reopened();
    const page = async (offset: number, limit: number) =>
      (await again.store.rooms.list({ offset, limit, publicOnly: true })).map(({ id }) => id);
    expect(await page(0, 10)).toEqual(["c", "e", "f"]);
    expect(await page(0, 2)).toEqual(["c", "e"]);
    expect(await page(2, 2)).toEqual(["f"]);
    expect(await page(3, 1)).toEqual([]);
    expect(await again.store.rooms.list({ offset: 0, limit: 10, publicOnly: false })).toHaveLength(6);
  });
}
