import fc from "fast-check";
import type { TextChange, TextReplica } from "../../../packages/server/src/documents/testing/text-replica.js";
import { client, command, connectionOf, isConnected, roomId } from "./command.js";
import type { RoomModel } from "./model.js";
import * as rules from "./rules.js";

/** Positions are taken modulo what there is. */
const change = fc.record({
  at: fc.nat(30),
  removedCount: fc.nat(3),
  inserted: fc.constantFrom("a", "bc", "def"),
});

/** The same change where there is less of a text. */
function within(text: string, { at, removedCount, inserted }: TextChange): TextChange {
  const start = at % (text.length + 1);
  return { at: start, removedCount: Math.min(removedCount, text.length - start), inserted };
}

function changed(text: string, { at, removedCount, inserted }: TextChange): string {
  return text.slice(0, at) + inserted + text.slice(at + removedCount);
}

function ask(
  model: RoomModel,
  { client: index, roomId: id }: { readonly client: number; readonly roomId: string },
) {
  const yjsClientId = ++model.requestsCount;
  return { yjsClientId, asked: { by: connectionOf(model, index), roomId: id, id: `edit ${yjsClientId}` } };
}

export const edit = command("edit", fc.record({ client, roomId, change }), {
  isPossible: isConnected,
  take(model, world, given) {
    const { yjsClientId, asked } = ask(model, given);
    rules.edit(model, asked, (text) => changed(text, within(text, given.change)));
    world.edit(given.client, given.roomId, asked.id, (replica) =>
      replica.change(yjsClientId, within(replica.text, given.change)),
    );
  },
});

/** Two insert something before either has heard of the other. */
export const editTogether = command(
  "edit together",
  fc.record({ client, other: client, roomId, at: fc.nat(30), otherAt: fc.nat(30) }),
  {
    isPossible: (model, given) =>
      given.client !== given.other &&
      isConnected(model, given) &&
      isConnected(model, { client: given.other }),
    take(model, world, given) {
      const insertion = (at: number, inserted: string) => ({ at, removedCount: 0, inserted });
      const one = insertion(given.at, "one");
      const two = insertion(given.otherAt, "two");
      const first = ask(model, given);
      const second = ask(model, { client: given.other, roomId: given.roomId });
      const base = model.rooms.get(given.roomId)?.text ?? "";
      const isDone = rules.edit(model, first.asked, (text) => changed(text, within(text, one)));
      const { at, ...rest } = within(base, two);
      const shift = isDone && within(base, one).at <= at ? one.inserted.length : 0;
      rules.edit(model, second.asked, (text) => changed(text, { ...rest, at: at + shift }));
      for (const [index, { yjsClientId, asked }, insert] of [
        [given.client, first, one],
        [given.other, second, two],
      ] as const) {
        world.edit(index, given.roomId, asked.id, (replica) =>
          replica.change(yjsClientId, within(replica.text, insert)),
        );
      }
    },
  },
);

const HOSTILE = {
  noise: () => new Uint8Array([255, 254, 253, 252, 251]),
  nothing: () => new Uint8Array(),
  dangling: (replica: TextReplica, yjsClientId: number) => replica.danglingChange(yjsClientId),
  cut: (replica: TextReplica, yjsClientId: number) =>
    replica.change(yjsClientId, { at: 0, removedCount: 0, inserted: "cut" }).subarray(0, -2),
} as const;

export const editBadly = command(
  "edit badly",
  fc.record({ client, roomId, how: fc.constantFrom("noise", "nothing", "dangling", "cut") }),
  {
    isPossible: isConnected,
    take(model, world, given) {
      const { yjsClientId, asked } = ask(model, given);
      rules.editBadly(model, asked);
      world.edit(given.client, given.roomId, asked.id, (replica) => HOSTILE[given.how](replica, yjsClientId));
    },
  },
);
