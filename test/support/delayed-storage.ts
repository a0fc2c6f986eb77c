import { setImmediate } from "node:timers/promises";
import type { Storage } from "../../packages/server/src/storage.js";
import type { Random } from "./random.js";

/**
 * The same storage, whose logs and presence take some turns of the event loop to answer, as a disk would. Changes
 * keep the order of the calls.
 */
export function withDelays(storage: Storage, random: Random): Storage {
  const { broker } = storage;
  const { logs, presence } = broker;
  let changed: Promise<unknown> = Promise.resolve();
  const turns = async () => {
    for (let left = random.below(4); left > 0; left--) await setImmediate();
  };
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const done = changed.then(turns).then(change);
    changed = done.catch(() => undefined);
    return done;
  };
  return {
    ...storage,
    broker: {
      ...broker,
      logs: {
        ...logs,
        async head(name) {
          await turns();
          return logs.head(name);
        },
        append: (name, entry) => inTurn(() => logs.append(name, entry)),
        delete: (name) => inTurn(() => logs.delete(name)),
        async read(name, sinceSeq, atMost) {
          await turns();
          return logs.read(name, sinceSeq, atMost);
        },
        async state(name) {
          await turns();
          return logs.state(name);
        },
      },
      presence: {
        ...presence,
        async enter(room, member, maxUsersCount) {
          await turns();
          return presence.enter(room, member, maxUsersCount);
        },
      },
    },
  };
}
