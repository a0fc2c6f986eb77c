import { CLIENT_LIMITS } from "../limits.js";
import type { Place } from "../outbox.js";

/**
 * What came of a room, in the order of its log, each place once. Entries behind one that is missing are held until it
 * is there.
 */
export interface RoomLog {
  /** The last place up to which everything was handed on; `null` before the first. */
  readonly position: Place | null;
  /** Whether entries are held back. */
  readonly isWaiting: boolean;
  /** From here on: `told` is called, then what was held and stands behind it goes on. */
  enter(place: Place, told?: () => void): void;
  /** `deliver` is called in its turn, or never where the place was seen. Returns whether something is missing before it. */
  take(place: Place, deliver: () => void): boolean;
  /** Gives up what is missing before what is held: `told` gets the place behind which it goes on. */
  skip(told: (place: Place) => void): void;
  /** Forgets everything. */
  reset(): void;
}

export function createRoomLog(): RoomLog {
  let position: Place | null = null;
  const held = new Map<number, () => void>();

  const drain = () => {
    for (;;) {
      if (position === null) return;
      const seq = position.seq + 1;
      const deliver = held.get(seq);
      if (deliver === undefined) return;
      held.delete(seq);
      position = { epoch: position.epoch, seq };
      deliver();
    }
  };

  const enter = (place: Place, told: () => void = () => undefined) => {
    if (position?.epoch !== place.epoch) held.clear();
    position = place;
    for (const seq of held.keys()) if (seq <= place.seq) held.delete(seq);
    told();
    drain();
  };

  return {
    get position() {
      return position;
    },
    get isWaiting() {
      return held.size > 0;
    },
    enter,
    take({ epoch, seq }, deliver) {
      // Of a room that is not entered, or of a life of it that was not told: `room_state` says where it goes on.
      if (position === null || position.epoch !== epoch || seq <= position.seq) return false;
      if (seq !== position.seq + 1) {
        // Beyond the bound they are asked for again.
        if (held.size < CLIENT_LIMITS.heldEntriesCount && !held.has(seq)) held.set(seq, deliver);
        return true;
      }
      position = { epoch, seq };
      held.delete(seq);
      deliver();
      drain();
      return held.size > 0;
    },
    skip(told) {
      if (position === null || held.size === 0) return;
      const place = { epoch: position.epoch, seq: Math.min(...held.keys()) - 1 };
      enter(place, () => told(place));
    },
    reset() {
      position = null;
      held.clear();
    },
  };
}
