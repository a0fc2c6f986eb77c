import type { ServerMessage, ServerPayloads, WireMessage } from "@sparql-live/protocol";
import type { HistoryChecker } from "./history-checker.js";

/**
 * What a client's library knows between its sockets: rooms with the places seen in them, messages without an answer,
 * the resume token. Sends nothing by itself but answers, and tells the checker what the application sees.
 */
export interface RoomSession {
  readonly name: string;
  /** Rooms in which it has a place. */
  readonly rooms: readonly string[];
  /** What waits for an answer: messages by their ids, rooms to enter or to leave by theirs. */
  readonly unanswered: readonly string[];
  /** Whether the server has taken it up (again) on this socket. */
  readonly isReady: boolean;
  readonly counts: SessionCounts;
  resumeToken: string | null;
  /** Speaks through a new socket from now on; it resumes where it has a token. */
  attach(send: (message: WireMessage) => void): void;
  /** The socket is gone. */
  detach(): void;
  receive(message: ServerMessage): void;
  join(room: string): void;
  leave(room: string): void;
  /** Sent at once, or when the room is entered or the session resumed. Returns the id. */
  publish(room: string): string;
  /** The ids of what it wrote to a room, oldest first. */
  publishedIn(room: string): readonly string[];
  /** Sends one of its own messages once more. */
  repeat(id: string, room: string): void;
  /** Believes from now on that it has seen everything up to another place, as after a restore of its own memory. */
  misremember(room: string, place: { readonly epoch?: string; readonly seq?: number }): void;
  /** It will not come back: nothing is expected of it any more. */
  end(): void;
  /** The place up to which it has seen a room. */
  positionIn(room: string): { readonly epoch: string; readonly seq: number } | undefined;
}

interface SessionCounts {
  publishedCount: number;
  acknowledgedCount: number;
  /** Messages that were answered with an error. */
  refusedCount: number;
  deliveredCount: number;
  /** Came more than once and were dropped before the application. */
  droppedCount: number;
  /** Times that the server said: something was missed. */
  gapCount: number;
}

type View =
  /** Not answered yet: of what comes nothing is shown. */
  | { readonly state: "joining" }
  | { readonly state: "leaving" }
  /** The server said that something was missed; what comes next tells the place. */
  | { readonly state: "gap" }
  | { readonly state: "in"; readonly epoch: string; seq: number; readonly ahead: Set<number> };

interface Pending {
  readonly room: string;
  attemptCount: number;
  isSent: boolean;
}

export interface RoomSessionOptions {
  /** Unique in the test: ids of messages begin with it. */
  readonly name: string;
  readonly checker: HistoryChecker;
}

export function createRoomSession({ name, checker }: RoomSessionOptions): RoomSession {
  const views = new Map<string, View>();
  const pending = new Map<string, Pending>();
  const published = new Map<string, string[]>();
  const counts: SessionCounts = {
    publishedCount: 0,
    acknowledgedCount: 0,
    refusedCount: 0,
    deliveredCount: 0,
    droppedCount: 0,
    gapCount: 0,
  };
  let send: ((message: WireMessage) => void) | null = null;
  let isReady = false;
  let resumeToken: string | null = null;

  const say = (type: string, payload: unknown, messageId?: string) =>
    send?.({ type, payload, ...(messageId === undefined ? {} : { message_id: messageId }) });

  const sendPublication = (id: string, publication: Pending) => {
    publication.isSent = true;
    if (++publication.attemptCount > 1) checker.sentAgain(id);
    say("room_message", { room_id: publication.room, message: id }, id);
  };

  /** In the order of publishing: the order within a room must not depend on when an answer was lost. */
  const flush = () => {
    if (!isReady) return;
    for (const [id, publication] of pending) {
      if (!publication.isSent && views.get(publication.room)?.state === "in")
        sendPublication(id, publication);
    }
  };

  const enter = (room: string, { epoch, seq }: { epoch: string; seq: number }) => {
    views.set(room, { state: "in", epoch, seq, ahead: new Set() });
    checker.placed(name, { room, epoch, seq });
    flush();
  };

  const exit = (room: string) => {
    views.delete(room);
    checker.left(name, room);
    // What was not answered is given up, and not said again in some other life of the room.
    for (const [id, publication] of pending) if (publication.room === room) pending.delete(id);
    published.delete(room);
  };

  const entry = (room: string, epoch: string, seq: number, id: string) => {
    const view = views.get(room);
    if (view?.state === "joining" || view?.state === "leaving") return;
    if (view?.state === "gap") {
      enter(room, { epoch, seq: seq - 1 });
      entry(room, epoch, seq, id);
      return;
    }
    if (view?.epoch === epoch && (seq <= view.seq || view.ahead.has(seq))) {
      counts.droppedCount++;
      return;
    }
    counts.deliveredCount++;
    checker.delivered(name, { room, epoch, seq }, id);
    if (view !== undefined) advance(view, seq);
  };

  const acknowledged = ({ message_id: id, room_id: room, epoch, seq }: ServerPayloads["ack"]) => {
    if (id === undefined) return;
    const view = views.get(room);
    const inTurn = view?.state === "in" && pending.get(id)?.attemptCount === 1;
    if (pending.delete(id)) counts.acknowledgedCount++;
    checker.acknowledged(name, id, { room, epoch, seq }, inTurn);
    if (view?.state !== "in" || view.epoch !== epoch || seq <= view.seq) return;
    if (inTurn || seq === view.seq + 1) advance(view, seq);
    else view.ahead.add(seq);
  };

  const greeted = (token: string) => {
    if (resumeToken === null) {
      resumeToken = token;
      isReady = true;
      for (const room of views.keys()) join(room);
      return;
    }
    const positions: Record<string, { epoch: string; seq: number }> = {};
    for (const [room, view] of views) {
      if (view.state === "in") positions[room] = { epoch: view.epoch, seq: view.seq };
    }
    say("resume", { resume_token: resumeToken, positions: { rooms: positions } });
  };

  const join = (room: string) => say("join_room", { room_id: room }, `join ${room}`);

  const resumed = (answer: ServerPayloads["resumed"]) => {
    resumeToken = answer.resume_token;
    isReady = true;
    for (const [room, view] of [...views]) {
      const told = answer.rooms[room];
      if (view.state === "leaving" && told !== undefined)
        say("leave_room", { room_id: room }, `leave ${room}`);
      else if (view.state !== "in" && view.state !== "leaving" && told === undefined) join(room);
      else if (told?.code === "gap") views.set(room, { state: "gap" });
      else if (told?.recovered !== true) exit(room);
    }
    flush();
  };

  const joined = ({ room_id: room, epoch, seq }: ServerPayloads["join_room"]) => {
    const view = views.get(room);
    if (view?.state === "joining" || view?.state === "gap") enter(room, { epoch, seq });
  };

  const stateTold = ({ room_id: room, epoch, seq, recovered }: ServerPayloads["room_state"]) => {
    const view = views.get(room);
    if (recovered !== false || view === undefined || view.state === "leaving") return;
    counts.gapCount++;
    if (view.state !== "in" || view.epoch !== epoch || view.seq !== seq) enter(room, { epoch, seq });
  };

  /** A message that is refused stays unanswered: who is in a room may write to it, and who is out of it was told. */
  const refused = (correlationId: string, room: string | undefined) => {
    if (pending.has(correlationId)) counts.refusedCount++;
    else if (room === undefined) return;
    // Leaving may have been asked for twice, and the second answer come when the room was asked for again.
    else if (correlationId === `join ${room}` && views.get(room)?.state === "joining") exit(room);
    else if (correlationId === `leave ${room}` && views.get(room)?.state === "leaving") exit(room);
  };

  return {
    name,
    counts,
    get rooms() {
      return [...views].filter(([, { state }]) => state === "in").map(([room]) => room);
    },
    get unanswered() {
      return [
        ...pending.keys(),
        ...[...views].filter(([, { state }]) => state !== "in").map(([room]) => room),
      ];
    },
    get isReady() {
      return isReady;
    },
    get resumeToken() {
      return resumeToken;
    },
    set resumeToken(token) {
      resumeToken = token;
    },
    attach(sendThrough) {
      send = sendThrough;
      isReady = false;
      for (const publication of pending.values()) publication.isSent = false;
    },
    detach() {
      send = null;
      isReady = false;
    },
    receive(message) {
      switch (message.type) {
        case "connection_ack":
          return greeted(message.payload.session.resume_token);
        case "resumed":
          return resumed(message.payload);
        case "join_room":
          return joined(message.payload);
        case "room_state":
          return stateTold(message.payload);
        case "leave_room":
          // It may answer an older request: the answer to joining decides.
          return views.get(message.payload.room_id)?.state === "joining"
            ? undefined
            : exit(message.payload.room_id);
        case "room_message": {
          const { room_id: room, epoch, seq, message: id } = message.payload;
          return entry(room, epoch, seq, String(id));
        }
        case "ack":
          return acknowledged(message.payload);
        case "heartbeat":
          return say("pong", {});
        case "error_message":
          return refused(message.correlation_id ?? "", message.payload.room_id);
        default:
      }
    },
    join(room) {
      if (views.has(room)) return;
      views.set(room, { state: "joining" });
      if (isReady) join(room);
    },
    leave(room) {
      if (views.get(room)?.state !== "in") return;
      views.set(room, { state: "leaving" });
      checker.left(name, room);
      if (isReady) say("leave_room", { room_id: room }, `leave ${room}`);
    },
    publish(room) {
      counts.publishedCount++;
      const id = `${name}:${counts.publishedCount}`;
      checker.published(name, room, id);
      published.set(room, [...(published.get(room) ?? []), id]);
      pending.set(id, { room, attemptCount: 0, isSent: false });
      flush();
      return id;
    },
    publishedIn: (room) => published.get(room) ?? [],
    repeat(id, room) {
      if (!isReady) return;
      const publication = pending.get(id);
      if (publication?.isSent === true) sendPublication(id, publication);
      if (publication !== undefined) return;
      checker.sentAgain(id);
      say("room_message", { room_id: room, message: id }, id);
    },
    misremember(room, place) {
      const view = views.get(room);
      if (view?.state !== "in") return;
      const believed = { epoch: place.epoch ?? view.epoch, seq: place.seq ?? view.seq };
      views.set(room, { state: "in", ...believed, ahead: new Set() });
      checker.placed(name, { room, ...believed });
    },
    end() {
      for (const room of [...views.keys()]) exit(room);
    },
    positionIn(room) {
      const view = views.get(room);
      return view?.state === "in" ? { epoch: view.epoch, seq: view.seq } : undefined;
    },
  };
}

function advance(view: Extract<View, { readonly state: "in" }>, seq: number): void {
  view.seq = seq;
  while (view.ahead.delete(view.seq + 1)) view.seq++;
}
