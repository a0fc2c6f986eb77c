import type { Broker, LogHead, LogPosition } from "../../broker.js";
import { SERVER_LIMITS } from "../../limits.js";
import type { Peer } from "../peer.js";
import { readmit, tellState } from "./entrance.js";
import type { Room } from "./room.js";

/** Whether everything after a position can still be read. */
export function isWithin(position: LogPosition, { epoch, seq, firstSeq }: LogHead): boolean {
  return position.epoch === epoch && position.seq <= seq && position.seq >= firstSeq - 1;
}

/**
 * Sends what a peer missed since a position, at its pace, and lets it take part again once it has everything: that
 * it has, and that it gets what comes from then on, is one step, so that nothing falls between. Where entries went
 * out of the window meanwhile, it is told so with the room's state.
 */
export async function replayRoom(
  room: Room,
  peer: Peer,
  position: LogPosition,
  { logs }: Pick<Broker, "logs">,
): Promise<void> {
  const { link } = peer;
  let since = position.seq;
  for (let page = 0; page < SERVER_LIMITS.replayPagesCount; page++) {
    const slice = await logs.read(room.log.name, since, {
      maxCount: SERVER_LIMITS.replayPageCount,
      maxBytes: SERVER_LIMITS.replayPageBytes,
    });
    // Lost again, or come back once more: another recovery has taken over.
    if (peer.link !== link || link === null) return;
    if (!isWithin({ epoch: position.epoch, seq: since }, slice)) break;
    for (const entry of slice.entries) room.log.replay(peer, slice.epoch, entry);
    since = slice.entries.at(-1)?.seq ?? since;
    if (since >= room.log.position.seq) {
      room.attach(peer);
      await tellState(room, peer, true);
      return;
    }
    await peer.drained();
  }
  await readmit(room, peer);
}
