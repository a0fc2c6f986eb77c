import { ProtocolFailure, type ServerPayloads } from "@sparql-live/protocol";
import type { LogHead, LogName, PresenceMember } from "../../broker.js";
import type { RoomRecord, RoomRole } from "../../store.js";
import { FanOut } from "../fan-out.js";
import type { Peer } from "../peer.js";
import { isAllowed, isBanned, mayDo, type RoomVerb, roleOf } from "../policy.js";
import { createRoomAwareness, type RoomAwareness } from "./awareness.js";
import { type Author, EMPTY_UPDATE, SERVER_AUTHOR } from "./entries.js";
import { createRoomNotices, type RoomNotices } from "./notices.js";
import type { RoomDeps } from "./room-deps.js";
import { createRoomDocument, type RoomDocument } from "./room-document.js";
import { followRoomLog, type RoomLog, type Sent } from "./room-log.js";
import { createRoomPresence, type RoomPresence } from "./room-presence.js";
import { createSealedDocument, type SealedDocument } from "./sealed-document.js";
import type { SnapshotPart } from "./snapshot-parts.js";
import { createTypingSigns, type TypingSigns } from "./typing.js";

/** Nobody waits for an acknowledgement of what the server writes itself. */
const UNNAMED: Sent = { messageId: undefined, correlationId: undefined };

export type LeaveReason = ServerPayloads["leave_room"]["reason"];

/** One room in memory: its members here, and its log in the broker. */
export class Room {
  readonly id: string;
  readonly fanOut: FanOut;
  /** Who has entered here: members, those that are on their way (back), and those that lost their socket. */
  readonly entered = new Set<Peer>();
  readonly awareness: RoomAwareness;
  readonly document: RoomDocument;
  /** The same document, of an encrypted room; of others `null`. */
  readonly sealed: SealedDocument | null;
  readonly log: RoomLog;
  readonly notices: RoomNotices;
  readonly presence: RoomPresence;
  readonly typing: TypingSigns;
  readonly #deps: RoomDeps;
  #record: RoomRecord;
  #changing: Promise<void> = Promise.resolve();
  #isDiscarded = false;

  /** `head` and `present`: as they are now, for from now on the room follows both. */
  constructor(record: RoomRecord, head: LogHead, present: readonly PresenceMember[], deps: RoomDeps) {
    const { id } = record;
    const name: LogName = `room:${id}`;
    this.id = id;
    this.#record = record;
    this.#deps = deps;
    this.fanOut = new FanOut(deps.ticker, deps.counters);
    this.sealed = record.isEncrypted ? createSealedDocument(id, name, deps) : null;
    this.document = this.sealed ?? createRoomDocument(name, deps);
    this.log = followRoomLog({
      roomId: id,
      name,
      head,
      logs: deps.broker.logs,
      fanOut: this.fanOut,
      document: this.document,
      sealed: this.sealed,
      entered: this.entered,
    });
    this.notices = createRoomNotices(id, this.fanOut, () => this.log.epoch);
    this.awareness = createRoomAwareness(this.notices);
    this.presence = createRoomPresence(id, present, deps, this.notices);
    this.typing = createTypingSigns(deps.wheel, this.notices);
  }

  get record(): RoomRecord {
    return this.#record;
  }

  get isIdle(): boolean {
    return this.presence.emptySinceMs !== null && !this.log.isBusy && this.fanOut.members.size === 0;
  }

  roleOf(userId: string): RoomRole {
    return roleOf(this.#record, userId);
  }

  /** Throws `not_in_room` and `role_forbidden`. */
  check(peer: Peer, verb: RoomVerb): void {
    if (!this.fanOut.members.has(peer)) {
      throw new ProtocolFailure("not_in_room", `Join the room "${this.id}" first.`);
    }
    const role = this.roleOf(peer.user.id);
    if (isAllowed(verb, role)) return;
    throw new ProtocolFailure(
      "role_forbidden",
      `As ${role} of "${this.id}" you may not do this; its owner can change your role.`,
    );
  }

  /** Whoever was in when its connection was lost needs no invitation to come back. */
  admits(verb: "join" | "readHistory", peer: Peer, invite?: string): boolean {
    const isIn = this.entered.has(peer) && !isBanned(this.#record, peer.user.id);
    return isIn || mayDo(verb, this.#record, peer.user, invite);
  }

  /** Presence before anything is sent to it; `attach` or a recovery goes on. Throws `room_not_found` and `room_full`. */
  async enter(peer: Peer, invite: string | undefined): Promise<void> {
    if (!this.admits("join", peer, invite)) throw roomNotFound(this.id);
    const { entered } = await this.presence.enter(peer, this.#record.maxMembersCount);
    if (!entered) throw new ProtocolFailure("room_full", "Room is full");
    if (peer.life === "gone" || this.#isDiscarded) {
      // It went, or the room did, while it entered: nobody else would take it out.
      await this.presence.leave(peer);
      throw roomNotFound(this.id);
    }
    peer.roomIds.add(this.id);
    this.entered.add(peer);
  }

  /** From now on a peer that has entered gets what is sent to the room; one that was put out since is told so. */
  attach(peer: Peer): void {
    if (this.entered.has(peer)) {
      this.fanOut.add(peer);
      this.#deps.onMember(this.id, peer, "joined");
      return;
    }
    peer.roomIds.delete(this.id);
    peer.send("leave_room", { room_id: this.id, reason: this.#isDiscarded ? "deleted" : "kicked" });
  }

  /** The socket is gone; its presence stays for the grace, and that it types for as long as it would have. */
  suspend(peer: Peer): void {
    this.fanOut.remove(peer);
  }

  async leave(peer: Peer): Promise<void> {
    this.typing.clear(peer);
    this.suspend(peer);
    this.entered.delete(peer);
    peer.roomIds.delete(this.id);
    this.#deps.onMember(this.id, peer, "left");
    this.awareness.clear(peer);
    await this.presence.leave(peer);
  }

  /** The grace is over: away, but its room is remembered for its return. */
  async dismiss(peer: Peer): Promise<void> {
    this.typing.clear(peer);
    this.suspend(peer);
    this.awareness.clear(peer);
    await this.presence.leave(peer);
  }

  /** Settles with the runs that those who join are told of, when the document can be told too. */
  async loadScene(): Promise<ServerPayloads["join_room"]["runs"]> {
    const [runs] = await Promise.all([this.#deps.runsOf(this.id), this.document.load()]);
    return runs;
  }

  /** An update of the document: taken whole or refused whole. Throws `bad_document_update`, `document_too_large`. */
  async edit(peer: Peer, sent: Sent, update: Uint8Array): Promise<void> {
    const news = await this.document.apply(update);
    await this.#logUpdate(peer, sent, authorOf(peer), news);
  }

  /** The server's own edit, at the end of the text of this name. */
  async write(name: string, text: string): Promise<void> {
    const update = await this.document.append(name, text);
    if (update !== null) await this.#logUpdate(null, UNNAMED, SERVER_AUTHOR, update);
  }

  /** An update of an encrypted room's document, as it came. Throws `snapshot_required`. */
  async editSealed(document: SealedDocument, peer: Peer, sent: Sent, bytes: Uint8Array): Promise<void> {
    await document.load();
    const release = document.reserve(bytes.byteLength);
    try {
      await this.log.append(peer, sent, {
        kind: "sealed-update",
        author: authorOf(peer),
        sealed: Buffer.from(bytes).toString("base64"),
      });
    } finally {
      release();
    }
    const count = document.wanted();
    if (count !== null) {
      peer.send("snapshot_wanted", { room_id: this.id, ...this.log.position, update_count: count });
    }
  }

  /** A client's snapshot of an encrypted room's document, or a part of one: everybody is told when it is stored. */
  async storeSnapshot(document: SealedDocument, peer: Peer, part: SnapshotPart): Promise<void> {
    await document.load();
    const { epoch } = this.log;
    const seq = await document.store(part, authorOf(peer), this.log.position);
    if (seq !== null) this.notices.tell("snapshot_stored", { room_id: this.id, epoch, seq });
  }

  async #logUpdate(origin: Peer | null, sent: Sent, author: Author, update: Uint8Array): Promise<void> {
    try {
      const base64 = Buffer.from(update).toString("base64");
      const { repeated } = await this.log.append(origin, sent, { kind: "document", author, update: base64 });
      // Under an id of something else: nobody is told of it, so the document must not have it either.
      if (repeated && update !== EMPTY_UPDATE) this.document.forget();
    } catch (error) {
      this.document.forget();
      throw error;
    }
  }

  /** Stores the changed record, then holds to it; one change after the other. */
  change(changeOf: (record: RoomRecord) => Partial<Omit<RoomRecord, "id">>): Promise<void> {
    const work = async () => {
      const record = { ...this.#record, ...changeOf(this.#record) };
      await this.#deps.store.rooms.put(record);
      this.#record = record;
    };
    const under = this.#changing.then(work);
    this.#changing = under.catch(() => undefined);
    return under;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.document.close();
  }

  /** The room is deleted: nothing of it is kept. */
  discard(): void {
    this.#isDiscarded = true;
    this.#stop();
    this.document.forget();
  }

  #stop(): void {
    this.log.close();
    this.presence.close();
    this.typing.close();
  }
}

function authorOf(peer: Peer): Author {
  return { userId: peer.user.id, userName: peer.user.name, connectionId: peer.id };
}

export function roomNotFound(roomId: string): ProtocolFailure {
  return new ProtocolFailure("room_not_found", `There is no room "${roomId}" for you.`);
}
