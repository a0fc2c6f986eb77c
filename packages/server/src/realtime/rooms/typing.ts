import { SERVER_LIMITS } from "../../limits.js";
import type { Peer } from "../peer.js";
import { shareMessage } from "../shared-message.js";
import type { Wheel, WheelEntry } from "../wheel.js";
import type { RoomNotices } from "./notices.js";

/** Who is typing: a sign of it holds for some seconds, unless it is renewed or taken back. */
export interface TypingSigns {
  /** Tells the other members. */
  set(peer: Peer, isTyping: boolean): void;
  /** Tells nobody. */
  clear(peer: Peer): void;
  close(): void;
}

export function createTypingSigns(wheel: Wheel, notices: RoomNotices): TypingSigns {
  const signs = new Map<Peer, WheelEntry>();
  const clear = (peer: Peer) => {
    signs.get(peer)?.remove();
    signs.delete(peer);
  };
  const tell = (peer: Peer, isTyping: boolean) => {
    const payload = { ...notices.originOf(peer), is_typing: isTyping };
    const messageId = notices.ephemeralId(peer);
    notices.tellEphemeral(peer, "typing_indicator", shareMessage("typing_indicator", payload, { messageId }));
  };
  return {
    set(peer, isTyping) {
      clear(peer);
      if (isTyping) {
        const visitor = {
          visit() {
            signs.delete(peer);
            tell(peer, false);
            return null;
          },
        };
        signs.set(peer, wheel.add(visitor, SERVER_LIMITS.typingSignMs));
      }
      tell(peer, isTyping);
    },
    clear,
    close() {
      for (const entry of signs.values()) entry.remove();
      signs.clear();
    },
  };
}
