import { SERVER_LIMITS } from "../../limits.js";
import type { Peer } from "../peer.js";
import type { Wheel, WheelEntry } from "../wheel.js";

/** Who is typing: a sign of it holds for some seconds, unless it is renewed or taken back. */
export interface TypingSigns {
  set(peer: Peer, isTyping: boolean): void;
  clear(peer: Peer): void;
  close(): void;
}

export function createTypingSigns(wheel: Wheel, onExpired: (peer: Peer) => void): TypingSigns {
  const signs = new Map<Peer, WheelEntry>();
  const clear = (peer: Peer) => {
    signs.get(peer)?.remove();
    signs.delete(peer);
  };
  return {
    set(peer, isTyping) {
      clear(peer);
      if (!isTyping) return;
      const visitor = {
        visit() {
          signs.delete(peer);
          onExpired(peer);
          return null;
        },
      };
      signs.set(peer, wheel.add(visitor, SERVER_LIMITS.typingSignMs));
    },
    clear,
    close() {
      for (const entry of signs.values()) entry.remove();
      signs.clear();
    },
  };
}
