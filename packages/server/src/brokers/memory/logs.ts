import type { LogEntry, LogName, LogPosition, Logs } from "../../broker.js";
import { retentionOf, type StorageBounds } from "../../storage-bounds.js";
import { createFollowers, type Followers } from "../followers.js";
import { createEntryLog, type EntryLog } from "./entry-log.js";

export interface MemoryLogs extends Logs {
  /** Drops what is too old from logs that nobody looks at. */
  expire(): void;
}

interface Channel {
  /** `null` where it is followed but was not looked at yet. */
  log: EntryLog | null;
  readonly followers: Followers<[LogEntry, LogPosition]>;
}

export function createMemoryLogs(
  bounds: StorageBounds,
  nowMs: () => number,
  onFault: (error: unknown) => void,
): MemoryLogs {
  const channels = new Map<LogName, Channel>();

  const channelOf = (name: LogName): Channel => {
    const known = channels.get(name);
    if (known !== undefined) return known;
    const channel: Channel = { log: null, followers: createFollowers(onFault) };
    channels.set(name, channel);
    return channel;
  };
  const logOf = (name: LogName, channel = channelOf(name)): EntryLog => {
    channel.log ??= createEntryLog({
      name,
      retention: retentionOf(name, bounds),
      maxPinnedBytes: bounds.pinnedBytes,
    });
    return channel.log;
  };
  const forgetUnused = (name: LogName, channel: Channel) => {
    const unused = channel.log === null && channel.followers.count === 0;
    if (unused && channels.get(name) === channel) channels.delete(name);
  };

  return {
    head: async (name) => logOf(name).head(nowMs()),
    async append(name, newEntry) {
      const channel = channelOf(name);
      const { appended, entry } = logOf(name, channel).append(newEntry, nowMs());
      if (entry !== null) channel.followers.tell(entry, { epoch: appended.epoch, seq: appended.seq });
      return appended;
    },
    read: async (name, sinceSeq, { maxCount, maxBytes }) =>
      logOf(name).read(sinceSeq, maxCount, maxBytes, nowMs()),
    follow(name, listener) {
      const channel = channelOf(name);
      const stop = channel.followers.add(listener);
      return () => {
        stop();
        forgetUnused(name, channel);
      };
    },
    replace: async (name, seq, entry) => logOf(name).replace(seq, entry, nowMs()),
    state: async (name) => logOf(name).state(nowMs()),
    saveSnapshot: async (name, snapshot) => logOf(name).saveSnapshot(snapshot),
    async delete(name) {
      const channel = channels.get(name);
      if (channel === undefined) return;
      channel.log = null;
      forgetUnused(name, channel);
    },
    expire() {
      for (const { log } of channels.values()) log?.expire(nowMs());
    },
  };
}
