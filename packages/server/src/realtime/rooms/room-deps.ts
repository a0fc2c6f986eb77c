import type { ServerPayloads } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { Broker } from "../../broker.js";
import type { Store } from "../../store.js";
import type { Counters } from "../counters.js";
import type { Peer } from "../peer.js";
import type { Ticker } from "../ticker.js";
import type { Wheel } from "../wheel.js";

/** What a room needs of what is around it. */
export interface RoomDeps {
  readonly broker: Broker;
  readonly store: Store;
  readonly ticker: Ticker;
  readonly wheel: Wheel;
  readonly counters: Counters;
  readonly log: Logger;
  /** The runs that those who join are told of. */
  readonly runsOf: (roomId: string) => Promise<ServerPayloads["join_room"]["runs"]>;
  /** A member came or went, here. */
  readonly onMember: (roomId: string, peer: Peer, change: "joined" | "left") => void;
}
