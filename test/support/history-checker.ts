/** A place in the log of a room. */
export interface Place {
  readonly room: string;
  readonly epoch: string;
  readonly seq: number;
}

interface Violation {
  readonly kind: /** Entries were missed, or the epoch changed, and the receiver was not told. */
    | "hole"
    /** An application saw a place twice, or a message stands at two places. */
    | "repeated"
    /** Two were told different things of one place, or of one message. */
    | "disagreement"
    /** Acknowledged, and neither in the history nor seen by anybody else. */
    | "lost"
    /** A sender's messages stand in another order than they were sent in. */
    | "disordered"
    /** Nobody sent it into this room. */
    | "invented"
    /** Seen by somebody who is not in the room. */
    | "stray"
    /** Somebody who is in the room has not seen its newest entry. */
    | "behind";
  readonly what: string;
}

/** The entries of a room from the oldest that is kept, as the server tells them when everything is over. */
export interface History {
  readonly room: string;
  readonly epoch: string;
  /** Of the newest entry. */
  readonly headSeq: number;
  readonly entries: readonly { readonly seq: number; readonly id: string }[];
}

/**
 * Compares what senders were told with what receivers saw. Messages are known by ids, which their senders make and
 * which are unique for ever; senders and receivers by names of the test's own.
 */
export interface HistoryChecker {
  /** An application wants it sent. Called in the order of sending. */
  published(sender: string, room: string, id: string): void;
  /** It goes out once more: where ids are not known for ever, it may come to stand anew behind later ones. */
  sentAgain(id: string): void;
  /** `inTurn`: sent once, so that the answer stands for the message in the order of what the sender sees. */
  acknowledged(sender: string, id: string, place: Place, inTurn: boolean): void;
  /** Entered the room, or was told of a gap: what it sees next follows this place. */
  placed(receiver: string, place: Place): void;
  /** An application saw it. */
  delivered(receiver: string, place: Place, id: string): void;
  /** Nothing of the room may come after it. */
  left(receiver: string, room: string): void;
  /** The room was deleted: its entries of this epoch may be gone. */
  forgotten(room: string, epoch: string): void;
  history(history: History): void;
  violations(): readonly Violation[];
}

interface Cursor {
  readonly epoch: string;
  seq: number;
  /** Own messages beyond a place that is still to come, known by their acknowledgements. */
  readonly ahead: Set<number>;
}

const keyOf = ({ room, epoch, seq }: Place) => `${room} ${epoch} ${seq}`;

/** `retainedCount`: so many entries after a message its id is still known to the server; default for ever. */
export function createHistoryChecker({ retainedCount = Number.POSITIVE_INFINITY } = {}): HistoryChecker {
  const found: Violation[] = [];
  const published = new Map<string, { sender: string; room: string; index: number }>();
  const sentAgain = new Set<string>();
  const acknowledgements: { sender: string; id: string; place: Place }[] = [];
  const cursors = new Map<string, Map<string, Cursor>>();
  const idAt = new Map<string, { place: Place; id: string }>();
  const placesOf = new Map<string, Place[]>();
  const seenBy = new Map<string, Set<string>>();
  const forgotten = new Set<string>();
  const histories = new Map<string, History>();

  const report = (kind: Violation["kind"], what: string) => void found.push({ kind, what });

  const stands = (place: Place, id: string, teller: string) => {
    const key = keyOf(place);
    const known = idAt.get(key);
    if (known !== undefined) {
      if (known.id !== id) report("disagreement", `${teller}: ${key} is ${id}, others say ${known.id}`);
      return;
    }
    idAt.set(key, { place, id });
    if (published.get(id)?.room !== place.room) report("invented", `${teller}: ${id} at ${key}`);
    const places = placesOf.get(id) ?? setDefault(placesOf, id, []);
    for (const other of places) {
      if (other.epoch === place.epoch && Math.abs(other.seq - place.seq) <= retainedCount) {
        report("repeated", `${teller}: ${id} stands at ${keyOf(other)} and at ${key}`);
      }
    }
    places.push(place);
  };

  const see = (receiver: string, place: Place) => {
    const cursor = cursors.get(receiver)?.get(place.room);
    const what = `${receiver}: ${keyOf(place)}`;
    if (cursor === undefined) report("stray", what);
    else if (cursor.epoch !== place.epoch) report("hole", `${what} follows epoch ${cursor.epoch}`);
    else if (place.seq <= cursor.seq || cursor.ahead.has(place.seq)) report("repeated", what);
    else {
      if (place.seq !== cursor.seq + 1) report("hole", `${what} follows ${cursor.seq}`);
      moveTo(cursor, place.seq);
    }
  };

  const isKept = ({ place, id, sender }: (typeof acknowledgements)[number]) => {
    if (forgotten.has(`${place.room} ${place.epoch}`)) return true;
    const history = histories.get(place.room);
    if (history?.epoch !== place.epoch) {
      return [...(seenBy.get(keyOf(place)) ?? [])].some((receiver) => receiver !== sender);
    }
    const firstSeq = history.entries[0]?.seq ?? history.headSeq + 1;
    return place.seq < firstSeq || history.entries[place.seq - firstSeq]?.id === id;
  };

  const lost = (): Violation[] =>
    acknowledgements
      .filter((acknowledgement) => !isKept(acknowledgement))
      .map(({ place, id, sender }) => ({
        kind: "lost",
        what: `${id}, acknowledged to ${sender} at ${keyOf(place)}`,
      }));

  const disordered = (): Violation[] => {
    const violations: Violation[] = [];
    const newest = new Map<string, { index: number; id: string }>();
    for (const { place, id } of [...idAt.values()].sort((a, b) => a.place.seq - b.place.seq)) {
      const message = published.get(id);
      const isMoved = sentAgain.has(id) && retainedCount !== Number.POSITIVE_INFINITY;
      if (message === undefined || isMoved || placesOf.get(id)?.[0] !== place) continue;
      const line = `${message.sender} ${place.room} ${place.epoch}`;
      const before = newest.get(line);
      if (before === undefined || before.index < message.index)
        newest.set(line, { index: message.index, id });
      else
        violations.push({ kind: "disordered", what: `${id} stands after ${before.id} at ${keyOf(place)}` });
    }
    return violations;
  };

  const behind = (): Violation[] => {
    const violations: Violation[] = [];
    for (const [receiver, rooms] of cursors) {
      for (const [room, { epoch, seq }] of rooms) {
        const history = histories.get(room);
        if (history === undefined || (history.epoch === epoch && history.headSeq === seq)) continue;
        const head = `${history.epoch} ${history.headSeq}`;
        violations.push({
          kind: "behind",
          what: `${receiver} is at ${room} ${epoch} ${seq}, not at ${head}`,
        });
      }
    }
    return violations;
  };

  return {
    published(sender, room, id) {
      if (published.has(id)) report("repeated", `${sender} publishes ${id} again`);
      published.set(id, { sender, room, index: published.size });
    },
    sentAgain: (id) => void sentAgain.add(id),
    acknowledged(sender, id, place, inTurn) {
      stands(place, id, sender);
      acknowledgements.push({ sender, id, place });
      const cursor = cursors.get(sender)?.get(place.room);
      if (inTurn) see(sender, place);
      else if (cursor?.epoch === place.epoch && place.seq > cursor.seq) {
        if (place.seq === cursor.seq + 1) moveTo(cursor, place.seq);
        else cursor.ahead.add(place.seq);
      }
    },
    placed(receiver, { room, epoch, seq }) {
      const rooms = cursors.get(receiver) ?? setDefault(cursors, receiver, new Map());
      rooms.set(room, { epoch, seq, ahead: new Set() });
    },
    delivered(receiver, place, id) {
      stands(place, id, receiver);
      (seenBy.get(keyOf(place)) ?? setDefault(seenBy, keyOf(place), new Set())).add(receiver);
      see(receiver, place);
    },
    left: (receiver, room) => void cursors.get(receiver)?.delete(room),
    forgotten: (room, epoch) => void forgotten.add(`${room} ${epoch}`),
    history(history) {
      histories.set(history.room, history);
      history.entries.forEach(({ seq, id }, index) => {
        const { room, epoch } = history;
        stands({ room, epoch, seq }, id, "history");
        const before = history.entries[index - 1]?.seq ?? seq - 1;
        if (seq !== before + 1) report("hole", `history: ${room} ${epoch} ${seq} follows ${before}`);
      });
      const newest = history.entries.at(-1)?.seq ?? history.headSeq;
      if (newest !== history.headSeq)
        report("hole", `history: ${history.room} ends before ${history.headSeq}`);
    },
    violations: () => [...found, ...lost(), ...disordered(), ...behind()],
  };
}

function moveTo(cursor: Cursor, seq: number): void {
  cursor.seq = seq;
  while (cursor.ahead.delete(cursor.seq + 1)) cursor.seq++;
}

function setDefault<K, V>(map: Map<K, V>, key: K, value: V): V {
  map.set(key, value);
  return value;
}
