import { expect, test } from "vitest";
import type { EnterOutcome, PresenceChange } from "../../broker.js";
import type { StorageKind } from "../../testing/storages.js";

const member = (connectionId: string, userId = connectionId) => ({
  connectionId,
  userId,
  userName: `Name of ${userId}`,
});

/** Every sentence of `Presence`. */
export function presenceContract({ open }: StorageKind): void {
  test("who enters is told who is there, in the order of entering, the one that enters included", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    expect(await presence.members("one")).toEqual([]);
    expect(await presence.enter("one", member("a"), 5)).toEqual({
      entered: true,
      members: [member("a")],
      memberCount: 1,
    });
    const second = await presence.enter("one", member("b"), 5);
    expect(second).toEqual({ entered: true, members: [member("a"), member("b")], memberCount: 2 });
    expect(await presence.members("one")).toEqual([member("a"), member("b")]);
    expect(await presence.members("two")).toEqual([]);
  });

  test("counts are of users, not of connections", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    await presence.enter("one", member("a1", "ada"), 5);
    const again = await presence.enter("one", member("a2", "ada"), 5);
    expect(again).toMatchObject({
      memberCount: 1,
      members: [{ connectionId: "a1" }, { connectionId: "a2" }],
    });
    const told: PresenceChange[] = [];
    presence.follow("one", (change) => told.push(change));
    await presence.leave("one", "a1");
    await presence.leave("one", "a2");
    expect(told.map(({ kind, memberCount }) => [kind, memberCount])).toEqual([
      ["left", 1],
      ["left", 0],
    ]);
  });

  test("a full room refuses the next user, lets in further connections of those inside, and the next when one has left", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    await presence.enter("one", member("a1", "ada"), 2);
    await presence.enter("one", member("b1", "bob"), 2);
    expect(await presence.enter("one", member("c1", "cem"), 2)).toEqual({ entered: false, reason: "full" });
    expect(await presence.enter("one", member("a2", "ada"), 2)).toMatchObject({
      entered: true,
      memberCount: 2,
    });
    await presence.leave("one", "a1");
    expect(await presence.enter("one", member("c1", "cem"), 2)).toMatchObject({ entered: false });
    await presence.leave("one", "a2");
    expect(await presence.enter("one", member("c1", "cem"), 2)).toMatchObject({
      entered: true,
      memberCount: 2,
    });
    expect(await presence.enter("closed", member("a"), 0)).toEqual({ entered: false, reason: "full" });
  });

  test("of users who enter at once no more get in than may", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => presence.enter("one", member(`c${n}`), 7)),
    );
    const counts = outcomes.map((outcome: EnterOutcome) => (outcome.entered ? outcome.memberCount : "full"));
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, ...Array<string>(13).fill("full")]);
    expect(await presence.members("one")).toHaveLength(7);
  });

  test("followers are told of each change in order, until they stop", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    const told: PresenceChange[] = [];
    const stop = presence.follow("one", (change) => told.push(change));
    await presence.enter("one", member("a"), 1);
    await presence.enter("one", member("b"), 1);
    await presence.enter("two", member("a"), 1);
    await presence.leave("one", "b");
    await presence.leave("one", "a");
    await presence.leave("one", "a");
    stop();
    await presence.enter("one", member("a"), 1);
    expect(told).toEqual([
      { kind: "entered", member: member("a"), memberCount: 1 },
      { kind: "left", member: member("a"), memberCount: 0 },
    ]);
  });

  test("a connection that is there already enters again, also into a full room, and nobody is told", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    await presence.enter("one", member("a"), 1);
    const told: PresenceChange[] = [];
    presence.follow("one", (change) => told.push(change));
    const renamed = { ...member("a"), userName: "Other" };
    expect(await presence.enter("one", renamed, 1)).toEqual({
      entered: true,
      members: [renamed],
      memberCount: 1,
    });
    expect(told).toEqual([]);
  });

  test("a connection that comes back as another user leaves as the one it was", async () => {
    await using storage = await open();
    const { presence } = storage.broker;
    await presence.enter("one", member("a", "ada"), 1);
    const told: PresenceChange[] = [];
    presence.follow("one", (change) => told.push(change));
    expect(await presence.enter("one", member("a", "bob"), 1)).toMatchObject({
      entered: true,
      memberCount: 1,
    });
    expect(told.map((change) => [change.kind, change.member.userId, change.memberCount])).toEqual([
      ["left", "ada", 0],
      ["entered", "bob", 1],
    ]);
  });

  test("a listener that throws disturbs no other", async () => {
    const faults: unknown[] = [];
    await using storage = await open({ onFault: (error) => faults.push(error) });
    const { presence } = storage.broker;
    const told: string[] = [];
    presence.follow("one", () => {
      throw new Error("no");
    });
    presence.follow("one", ({ kind }) => told.push(kind));
    expect(await presence.enter("one", member("a"), 1)).toMatchObject({ entered: true });
    expect(told).toEqual(["entered"]);
    expect(faults).toEqual([new Error("no")]);
  });
}
