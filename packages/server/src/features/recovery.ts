import type { ServerPayloads } from "@sparql-live/protocol";
import type { Logger } from "pino";
import type { Broker, LogPosition } from "../broker.js";
import type { Broadcasts } from "../realtime/broadcasts.js";
import { type Counters, increment } from "../realtime/counters.js";
import { correlationOf, type Handler, type MessageOf } from "../realtime/dispatcher.js";
import type { Mailboxes } from "../realtime/mailboxes.js";
import type { Peer } from "../realtime/peer.js";
import { failureOf } from "../realtime/refusals.js";
import { readmit } from "../realtime/rooms/entrance.js";
import { isWithin, replayRoom } from "../realtime/rooms/recovery.js";
import type { Room } from "../realtime/rooms/room.js";
import type { Rooms } from "../realtime/rooms/rooms.js";
import type { Sessions } from "../realtime/sessions.js";
import { createSignal } from "../signal.js";
import type { QueryRuns } from "./query/query-runs.js";

export interface RecoveryHandlers {
  readonly resume: Handler<"resume">;
  readonly ack: Handler<"ack">;
}

type Outcome = ServerPayloads["resumed"]["rooms"][string];

export interface RecoveryDeps {
  readonly broker: Pick<Broker, "logs">;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
  readonly mailboxes: Mailboxes;
  readonly broadcasts: Broadcasts;
  readonly counters: Counters;
  readonly log: Logger;
  /** Gives the socket of one peer to another, which is the same one come back. */
  readonly takeOver: (former: Peer, fresh: Peer) => void;
  /** Whether one peer may come back as another, whose resume token it has. */
  readonly mayReturnAs: (former: Peer, fresh: Peer) => boolean;
  /** `null` where there is no engine. */
  readonly queries: Pick<QueryRuns, "resume"> | null;
}

/** Where a peer comes back to: `isWanted` where the client names it, and not only the session. */
interface Destination {
  readonly roomId: string;
  readonly position: LogPosition | undefined;
  readonly isWanted: boolean;
}

/** A room on its way back to a peer. */
interface Return {
  readonly roomId: string;
  readonly outcome: Promise<Outcome>;
}

export function createRecoveryHandlers(deps: RecoveryDeps): RecoveryHandlers {
  return {
    async resume(message, fresh) {
      const found = deps.sessions.find(message.payload.resume_token);
      const former = found !== undefined && deps.mayReturnAs(found, fresh) ? found : undefined;
      const peer = former ?? fresh;
      const roomIds = deps.rooms.idsOf(peer);
      const freshRoomIds = peer === fresh ? new Set<string>() : deps.rooms.idsOf(fresh);
      // Before anything is waited for: what the client sends next is already the former connection's.
      if (peer !== fresh) deps.takeOver(peer, fresh);
      if (message.payload.acks === true) peer.acknowledges = true;
      await recover(message, peer, { isSession: former !== undefined, fresh, roomIds, freshRoomIds }, deps);
    },
    ack: ({ payload }, peer) => deps.mailboxes.acknowledge(peer, payload.message_id),
  };
}

/** How a peer came back. */
interface Arrival {
  readonly isSession: boolean;
  /** The connection that the client opened for it. */
  readonly fresh: Peer;
  /** The rooms that it was in, or comes to be in, unless it leaves them meanwhile. */
  readonly roomIds: ReadonlySet<string>;
  /** Those that it joined by the new connection. */
  readonly freshRoomIds: ReadonlySet<string>;
}

async function recover(
  message: MessageOf<"resume">,
  peer: Peer,
  { isSession, fresh, roomIds, freshRoomIds }: Arrival,
  deps: RecoveryDeps,
): Promise<void> {
  const { positions = {} } = message.payload;
  const { broadcasts, counters } = deps;
  const broadcastPosition = positions.broadcast;
  // Come back once more meanwhile: the positions of the newest return hold, and this one is over.
  const { link } = peer;
  const told = createSignal<void>();
  const wanted = new Map<string, LogPosition>(Object.entries(positions.rooms ?? {}));
  const isWanted = (roomId: string) => wanted.has(roomId) || freshRoomIds.has(roomId);
  const returns = [...new Set([...roomIds, ...freshRoomIds, ...wanted.keys()])].map((roomId) =>
    returnTo({ roomId, position: wanted.get(roomId), isWanted: isWanted(roomId) }, peer, told.promise, deps),
  );
  const runs = deps.queries?.resume(peer, new Map(Object.entries(positions.runs ?? {})));
  const rooms: Record<string, Outcome> = {};
  for (const { roomId, outcome } of returns) {
    Object.defineProperty(rooms, roomId, { value: await outcome, enumerable: true });
  }
  const broadcast =
    broadcastPosition === undefined
      ? undefined
      : { recovered: await broadcasts.isRecoverable(broadcastPosition), ...broadcasts.position };
  if (peer.link !== link) {
    told.resolve();
    return;
  }
  increment(counters.recoveries, isSession ? "resumed" : returns.length > 0 ? "rejoined" : "refused");
  peer.send(
    "resumed",
    {
      connection_id: peer.id,
      user_id: peer.user.id,
      session: isSession,
      resume_token: deps.sessions.issueToken(peer),
      rooms,
      runs: (await runs?.outcomes(peer.roomIds)) ?? {},
      ...(broadcast === undefined ? {} : { broadcast }),
    },
    { correlationId: correlationOf(message) },
  );
  told.resolve();
  runs?.start();
  if (broadcast?.recovered === true && broadcastPosition !== undefined) {
    await broadcasts.replay(peer, broadcastPosition, fresh.broadcastSeq);
  }
  // What waits for the user of the new connection was delivered when it came.
  if (peer.user.id !== fresh.user.id) await deps.mailboxes.deliver(peer);
}

/**
 * Brings a peer back into a room. What the client sends to it meanwhile waits; the messages that were missed go out
 * when `told` says that the client knows what to expect.
 */
function returnTo(
  { roomId, position, isWanted }: Destination,
  peer: Peer,
  told: Promise<void>,
  deps: RecoveryDeps,
): Return {
  const { rooms, broker, counters, log } = deps;
  const { link } = peer;
  const known = createSignal<Outcome>();
  const work = async () => {
    if (!isWanted && !peer.roomIds.has(roomId)) {
      // It left, or was not let in, since it lost its socket.
      known.resolve({ recovered: false, code: "not_in_room" });
      return;
    }
    let room: Room;
    try {
      room = await rooms.openFor("join", peer, roomId);
      await room.enter(peer, undefined);
    } catch (error) {
      peer.roomIds.delete(roomId);
      known.resolve({ recovered: false, code: failureOf(error).code });
      return;
    }
    const recovered = position !== undefined && isWithin(position, await broker.logs.head(room.log.name));
    if (recovered) counters.roomsRecovered++;
    else counters.roomsNotRecovered++;
    known.resolve(recovered ? { recovered } : { recovered, code: "gap" });
    await told;
    if (peer.link !== link) return;
    if (recovered) return replayRoom(room, peer, position, broker);
    await readmit(room, peer);
  };
  rooms.inLine(peer, roomId, work).catch((error: unknown) => {
    known.reject(error);
    log.error({ err: error, connection: peer.id }, "a room could not be recovered");
  });
  return { roomId, outcome: known.promise };
}
