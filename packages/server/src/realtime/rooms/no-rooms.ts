import { withoutRooms } from "../refusals.js";
import type { Rooms } from "./rooms.js";

/** Stands for the rooms of a server that has none: whatever wants one throws `feature_unavailable`. */
export function createNoRooms(): Rooms {
  const refuse = () => {
    throw withoutRooms();
  };
  const refuseLater = async () => refuse();
  return {
    create: refuseLater,
    delete: refuseLater,
    open: refuseLater,
    openFor: refuseLater,
    get: refuse,
    join: refuseLater,
    leave: refuseLater,
    find: refuseLater,
    list: refuseLater,
    info: refuseLater,
    inLine: (_peer, _roomId, work) => work(),
    settled: () => undefined,
    idsOf: () => NOTHING,
    suspend: () => undefined,
    dismiss: () => undefined,
    abandon: () => undefined,
    loaded: () => [],
    activeCount: 0,
    sweep: async () => undefined,
    close: async () => undefined,
  };
}

const NOTHING: ReadonlySet<string> = new Set();
