import { expect, test } from "vitest";
import type { EndpointRecord } from "../../store.js";
import type { StorageKind } from "../../testing/storages.js";

const endpoint = (id: string, ownerId: string, roomId: string | null = null): EndpointRecord => ({
  id,
  ownerId,
  roomId,
  title: `Title of ${id}`,
  url: "https://example.org/sparql",
  createdAtMs: 1,
  credentials: null,
});

/** Every sentence of `EndpointRecords`. */
export function endpointsContract({ open }: StorageKind): void {
  test("endpoints come back as they were, in the order of their making, by user and by room", async () => {
    await using storage = await open();
    const { endpoints } = storage.store;
    await endpoints.put(endpoint("b", "ada"));
    await endpoints.put(endpoint("a", "ada", "lab"));
    await endpoints.put(endpoint("c", "bob", "lab"));
    await endpoints.put({ ...endpoint("b", "ada"), credentials: "sealed" });
    await using again = await storage.reopened();
    const kept = again.store.endpoints;
    expect(await kept.get("b")).toEqual({ ...endpoint("b", "ada"), credentials: "sealed" });
    expect(await kept.get("none")).toBeNull();
    expect((await kept.ofUser("ada")).map(({ id }) => id)).toEqual(["b", "a"]);
    expect((await kept.ofRoom("lab")).map(({ id }) => id)).toEqual(["a", "c"]);
  });

  test("endpoints are deleted one by one, of a user, and of a room", async () => {
    await using storage = await open();
    const { endpoints } = storage.store;
    for (const each of [endpoint("a", "ada"), endpoint("b", "ada", "lab"), endpoint("c", "bob", "lab")]) {
      await endpoints.put(each);
    }
    expect([await endpoints.delete("a"), await endpoints.delete("a")]).toEqual([true, false]);
    await endpoints.deleteRoom("lab");
    expect([await endpoints.ofUser("ada"), await endpoints.ofUser("bob")]).toEqual([[], []]);
    await endpoints.put(endpoint("d", "ada"));
    await endpoints.put(endpoint("e", "bob"));
    await endpoints.deleteUser("ada");
    expect([await endpoints.get("d"), await endpoints.get("e")]).toEqual([null, endpoint("e", "bob")]);
  });
}
