import { FAILURES } from "@sparql-live/protocol";
import type { Peer } from "../realtime/peer.js";
import type { Drain } from "./drain.js";
import type { Parts } from "./parts.js";

/** What becomes of a connection whose socket is gone: it is kept for its return, or it ends. */
export interface LifeCycle {
  /** The peer has no socket any more. `isFinal`: it must not come back. */
  onLost(peer: Peer, code: number, isFinal: boolean): void;
  /** Gives the socket of one peer to another, which is the same one come back. */
  takeOver(former: Peer, fresh: Peer): void;
}

export function createLifeCycle(
  {
    hub,
    lobby,
    expiries,
    rooms,
    sessions,
    counters,
    log,
  }: Pick<Parts, "hub" | "lobby" | "expiries" | "rooms" | "sessions" | "counters" | "log">,
  drain: Drain,
): LifeCycle {
  return {
    onLost(peer, code, isFinal) {
      hub.remove(peer);
      expiries.unwatch(peer);
      const wasWaiting = lobby.remove(peer);
      counters.connectionsClosed++;
      log.debug({ connection: peer.id, code }, "connection closed");
      if (drain.stage === "closing" || wasWaiting) {
        // Nobody knows of it, or all go: to tell those who are left of each that went would be the square of their number.
        peer.end();
      } else if (isFinal) {
        sessions.remove(peer);
      } else {
        rooms.suspend(peer);
        peer.lose(code);
        sessions.keep(peer);
      }
    },
    takeOver(former, fresh) {
      rooms.suspend(former);
      hub.remove(fresh);
      const replaced = former.adopt(fresh);
      sessions.release(former);
      if (fresh.identity !== null) former.identify(fresh.identity);
      expiries.unwatch(fresh);
      expiries.watch(former);
      hub.add(former);
      replaced?.close("session_replaced", FAILURES.session_replaced.close);
      sessions.remove(fresh);
    },
  };
}
