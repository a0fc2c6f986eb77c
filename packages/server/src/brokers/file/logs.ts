import type { LogEntry, LogName, LogPosition, Logs } from "../../broker.js";
import type { Database } from "../../database/database.js";
import type { Call } from "../../database/messages.js";
import { retentionOf, type StorageBounds } from "../../storage-bounds.js";
import { createFollowers, type Followers } from "../followers.js";
import { createLogCache } from "./log-cache.js";

export interface FileLogs extends Logs {
  /**
   * The thread died while it committed `lost`, or did not say in time that it had, and nobody knows what of it: followers
   * are told of what was, before anything that is committed from now on.
   */
  lookUp(lost: readonly Call[]): void;
}

interface Channel {
  readonly followers: Followers<[LogEntry, LogPosition]>;
  /** The newest entry that was told. */
  told: LogPosition | null;
}

export function createFileLogs(
  database: Database,
  bounds: StorageBounds,
  nowMs: () => number,
  onFault: (error: unknown) => void,
): FileLogs {
  const cache = createLogCache({ retentionOf: (name) => retentionOf(name, bounds) });
  const channels = new Map<LogName, Channel>();

  /** What is known here may lack what a thread committed without a word: then it is not told. */
  const ifReady = <T>(look: () => T): T | null => (database.isReady ? look() : null);
  const tell = (channel: Channel | undefined, entry: LogEntry, position: LogPosition) => {
    if (channel === undefined) return;
    channel.told = position;
    channel.followers.tell(entry, position);
  };
  const tellIfLost = async (name: LogName, id: string) => {
    const found = await database.request("findEntry", { name, id });
    const channel = channels.get(name);
    if (found === null || channel === undefined) return;
    const { entry, position } = found;
    const { told } = channel;
    if (told === null || told.epoch !== position.epoch || told.seq < position.seq) {
      tell(channel, entry, position);
    }
  };

  // Results arrive in the order of the commits, and each goes through exactly one await: so does what follows them.
  return {
    async head(name) {
      const cached = ifReady(() => cache.head(name, nowMs()));
      if (cached !== null) return cached;
      const head = await database.request("logHead", { name });
      cache.learn(name, head);
      const { epoch, seq, firstSeq } = head;
      return { epoch, seq, firstSeq };
    },
    async append(name, { id, data, pinned = false }) {
      const appended = await database.request(
        "appendEntry",
        { name, entry: { id, data, pinned } },
        data.length,
      );
      const { epoch, entrySeq: seq, repeated, atMs } = appended;
      if (repeated) cache.learn(name, appended);
      else {
        const entry: LogEntry = { seq, id, atMs, data };
        cache.learn(name, appended, entry);
        tell(channels.get(name), entry, { epoch, seq });
      }
      return { epoch, seq, repeated };
    },
    async read(name, sinceSeq, { maxCount, maxBytes }) {
      const cached = ifReady(() => cache.read(name, sinceSeq, maxCount, maxBytes, nowMs()));
      return cached ?? (await database.request("readLog", { name, sinceSeq, maxCount, maxBytes }));
    },
    follow(name, listener) {
      const channel = channels.get(name) ?? { followers: createFollowers(onFault), told: null };
      channels.set(name, channel);
      const stop = channel.followers.add(listener);
      return () => {
        stop();
        if (channel.followers.count === 0 && channels.get(name) === channel) channels.delete(name);
      };
    },
    async replace(name, seq, { id, data }) {
      const replaced = await database.request("replaceEntry", { name, seq, id, data }, data.length);
      cache.forget(name);
      return replaced;
    },
    state: (name) => database.request("logState", { name }),
    async saveSnapshot(name, { epoch, seq, data }) {
      // A copy: the caller may go on writing into its bytes, and a view would take its whole buffer along.
      const snapshot = { epoch, seq, data: new Uint8Array(data) };
      await database.request("saveSnapshot", { name, snapshot }, data.byteLength);
    },
    async delete(name) {
      await database.request("deleteLog", { name });
      cache.forget(name);
    },
    lookUp(lost) {
      cache.clear();
      for (const call of lost) {
        if (call.name !== "appendEntry") continue;
        const name = call.request.name as LogName;
        if (channels.has(name)) tellIfLost(name, call.request.entry.id).catch(onFault);
      }
    },
  };
}
