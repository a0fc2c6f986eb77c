import type { SPARQLWebSocketClient } from "../client.js";
import { SparqlLiveError } from "../errors.js";
import type { Acknowledgement, AddOptions } from "../outbox.js";
import type { RoomEntry } from "../rooms/entries.js";
import type { Room } from "../rooms/room.js";
import type { JoinOptions } from "../rooms/rooms.js";
import { EMPTY_VIEW, type RoomStatus, type RoomView } from "../rooms/view.js";
import { createStore, type ReadableStore } from "../store.js";
import { followRuns, type RoomRun } from "./room-runs.js";

export interface CollaborationView extends Pick<RoomView, "status" | "info" | "members" | "cursors"> {
  /** Who types, by user and connection. */
  readonly typingUsers: RoomView["typing"];
  /** The latest 1,000, in the order of the room. */
  readonly messages: readonly RoomEntry[];
  /** Queries that were asked in the room, newest first. */
  readonly runs: readonly RoomRun[];
  /** Why it could not be entered, or was left. */
  readonly error: SparqlLiveError | null;
  /** Messages were missed that cannot be had any more. */
  readonly hasGap: boolean;
}

export const NO_ROOM: CollaborationView = {
  status: EMPTY_VIEW.status,
  info: null,
  members: [],
  cursors: [],
  typingUsers: [],
  messages: [],
  runs: [],
  error: null,
  hasGap: false,
};

/** A room as several components of a page share it: entered with the first of them, left with the last. */
export interface RoomMembership extends ReadableStore<CollaborationView> {
  /** `undefined` where it was left, or its code is on the way. */
  room(): Room | undefined;
  /** Waits for the code. See `Room.send`. */
  send(message: unknown, options?: AddOptions): Promise<Acknowledgement>;
  retain(options: JoinOptions): () => void;
}

/** The memberships of each client: components that look at the same room get the same. */
const memberships = new WeakMap<SPARQLWebSocketClient, Map<string, RoomMembership>>();

/** After which the code for rooms is loaded again, where it could not be had. */
const RELOAD_MS = 5_000;

/** Clients that have the code for rooms. */
const withRooms = new WeakSet<SPARQLWebSocketClient>();

export function membershipOf(client: SPARQLWebSocketClient, roomId: string): RoomMembership {
  const known = memberships.get(client) ?? new Map<string, RoomMembership>();
  memberships.set(client, known);
  const membership = known.get(roomId) ?? createMembership(client, roomId);
  known.set(roomId, membership);
  return membership;
}

function createMembership(client: SPARQLWebSocketClient, roomId: string): RoomMembership {
  const view = createStore<CollaborationView>(NO_ROOM);
  let usersCount = 0;
  let latest: JoinOptions = {};
  let unfollow: (() => void) | null = null;
  /** The application may be in it by itself: then it stays. */
  let isForeign = false;
  /** The code for rooms. */
  let loading: Promise<void> = Promise.resolve();
  /** It has to be out before it can be entered again. */
  let isLeaving = false;
  const change = (next: Partial<CollaborationView>) => view.set({ ...view.getSnapshot(), ...next });

  const enter = () => {
    view.set(NO_ROOM);
    let isFollowed = true;
    const stops = [followReturn()];
    unfollow = () => {
      isFollowed = false;
      for (const stop of stops) stop();
    };
    const failed = (error: unknown) => {
      if (isFollowed) change({ error: asError(error) });
    };
    const enterNow = () => {
      isForeign = client.room(roomId) !== undefined;
      // As long as it takes: the server may not be there yet.
      const joined = client.joinRoom(roomId, { ...latest, timeoutMs: 0 });
      const room = client.room(roomId);
      if (room !== undefined) stops.push(follow(room));
      stops.push(followRuns(client, roomId, (runs) => change({ runs })));
      joined.then((entered) => {
        if (entered === room || !isFollowed) return;
        // The one that was there was on its way out.
        isForeign = false;
        change({ error: null });
        stops.push(follow(entered));
      }, failed);
    };
    if (withRooms.has(client)) return enterNow();
    // There is nothing to leave yet.
    isForeign = true;
    loading = client.loadRooms().then(() => {
      withRooms.add(client);
      if (!isFollowed) return;
      change({ error: null });
      enterNow();
    });
    loading.catch((error: unknown) => {
      failed(error);
      if (!isFollowed || asError(error).code !== "not_loaded") return;
      const timer = setTimeout(() => {
        unfollow?.();
        enter();
        if (!withRooms.has(client)) change({ error: asError(error) });
      }, RELOAD_MS);
      stops.push(() => clearTimeout(timer));
    });
  };

  /** A client that was closed has left its rooms; when it connects anew this one is entered again. */
  const followReturn = () => {
    let isClosed = client.state.kind === "closed";
    return client.on("state", ({ kind }) => {
      if (kind === "closed") isClosed = true;
      else if (isClosed) {
        unfollow?.();
        enter();
      }
    });
  };

  /** Ends what was entered; it is left unless the application is in it by itself. */
  const leave = () => {
    unfollow?.();
    unfollow = null;
    view.set(NO_ROOM);
    if (isForeign) return;
    isLeaving = true;
    client
      .leaveRoom(roomId)
      .catch(() => undefined)
      .then(() => {
        isLeaving = false;
        if (usersCount > 0 && unfollow === null) enter();
      });
  };

  const follow = (room: Room) => {
    const look = () => {
      const { status, info, members, cursors, typing } = room.view.getSnapshot();
      const error = status.kind === "left" ? reasonOf(status) : view.getSnapshot().error;
      change({ status, info, members, cursors, typingUsers: typing, error });
    };
    const stops = [
      room.view.subscribe(look),
      room.messages.subscribe(() => change({ messages: room.messages.getSnapshot() })),
      room.on("gap", () => change({ hasGap: true })),
    ];
    look();
    change({ messages: room.messages.getSnapshot() });
    return () => {
      for (const end of stops) end();
    };
  };

  const isNews = ({ invite, secret }: JoinOptions) =>
    (invite !== undefined && latest.invite === undefined) ||
    (secret !== undefined && latest.secret === undefined);

  const reasonOf = ({ reason, error }: Extract<RoomStatus, { kind: "left" }>) =>
    error ?? new SparqlLiveError("not_in_room", `The room "${roomId}" was left (${reason}).`, { roomId });

  return {
    getSnapshot: view.getSnapshot,
    subscribe: view.subscribe,
    room: () => client.room(roomId),
    send(message, options) {
      const room = client.room(roomId);
      if (room !== undefined) return room.send(message, options);
      return loading.then(() => client.sendToRoom(roomId, message, options));
    },
    retain(options) {
      if (usersCount++ === 0) {
        // Whoever was here went this moment. What they were refused, or entered otherwise, is not what is wanted now.
        const isSame = options.invite === latest.invite && options.secret === latest.secret;
        if (unfollow !== null && !(isSame && client.room(roomId) !== undefined)) leave();
        latest = options;
        if (unfollow === null && !isLeaving) enter();
      } else if (isNews(options)) {
        // Components below come first: they may not have what opens the room for all.
        latest = { invite: latest.invite ?? options.invite, secret: latest.secret ?? options.secret };
        if (unfollow !== null) leave();
        if (unfollow === null && !isLeaving) enter();
      }
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        usersCount--;
        // Later: who goes may come back at once, as everybody does under StrictMode.
        setTimeout(() => {
          if (usersCount === 0 && unfollow !== null) leave();
        });
      };
    },
  };
}

function asError(error: unknown): SparqlLiveError {
  if (error instanceof SparqlLiveError) return error;
  return new SparqlLiveError("bad_request", "The room could not be entered.", { cause: error });
}
