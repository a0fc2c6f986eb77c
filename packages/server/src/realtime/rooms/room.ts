import { randomUUID } from "node:crypto";
import { ProtocolFailure, type ServerPayloads } from "@sparql-live/protocol";
import type {
  Appended,
  Broker,
  LogEntry,
  LogHead,
  LogName,
  LogPosition,
  PresenceChange,
  PresenceMember,
} from "../../broker.js";
import { SERVER_LIMITS } from "../../limits.js";
import type { RoomRecord, RoomRole } from "../../store.js";
import { FanOut } from "../fan-out.js";
import { type Outgoing, type OutgoingPayload, typeOf } from "../outgoing.js";
import type { Peer } from "../peer.js";
import { shareAny, shareMessage } from "../shared-message.js";
import {
  type Author,
  decodeEntry,
  encodeEntry,
  entryIdOf,
  entryMessage,
  messageIdOf,
  type RoomEntry,
  SERVER_AUTHOR,
  wholeDocumentMessage,
} from "./entries.js";
import { isAllowed, mayEnter, type RoomAction, roleOf } from "./policy.js";
import type { RoomDeps } from "./room-deps.js";
import { createRoomDocument, type RoomDocument } from "./room-document.js";
import { createTypingSigns, type TypingSigns } from "./typing.js";

/** An entry of our own that is not committed yet. */
interface Pending {
  readonly origin: Peer | null;
  readonly messageId: string | undefined;
  readonly entry: RoomEntry;
  recipientsCount: number;
}

interface TellOptions {
  readonly correlationId?: string | undefined;
  /** Does not get it. */
  readonly except?: Peer | null;
}

export type LeaveReason = ServerPayloads["leave_room"]["reason"];

/** One room in memory: its members here, and its log in the broker. Made by `openRoom`. */
export class Room {
  readonly id: string;
  readonly logName: LogName;
  readonly fanOut: FanOut;
  /** Who has entered here: members, those that are on their way (back), and those that lost their socket. */
  readonly entered = new Set<Peer>();
  readonly document: RoomDocument;
  /** Since when nobody is present, on the clock of the wheel; `null` while somebody is. */
  emptySinceMs: number | null;
  readonly #deps: RoomDeps;
  readonly #broker: Broker;
  readonly #typing: TypingSigns;
  readonly #pending = new Map<string, Pending>();
  readonly #stops: (() => void)[];
  /** Who is present, by connection; also those who are in their grace. */
  readonly #present: Map<string, PresenceMember>;
  #memberCount: number;
  #record: RoomRecord;
  #changing: Promise<void> = Promise.resolve();
  #epoch: string;
  /** The newest entry that members were told of. */
  #deliveredSeq: number;
  #noticesCount = 0;
  #isDiscarded = false;

  constructor(record: RoomRecord, head: LogHead, present: readonly PresenceMember[], deps: RoomDeps) {
    this.id = record.id;
    this.logName = `room:${record.id}`;
    this.#record = record;
    this.#deps = deps;
    this.#broker = deps.broker;
    this.#epoch = head.epoch;
    this.#deliveredSeq = head.seq;
    this.#present = new Map(present.map((member) => [member.connectionId, member]));
    this.#memberCount = new Set(present.map(({ userId }) => userId)).size;
    this.emptySinceMs = present.length === 0 ? deps.wheel.now() : null;
    this.fanOut = new FanOut(deps.ticker, deps.counters);
    this.document = createRoomDocument(this.logName, deps);
    this.#typing = createTypingSigns(deps.wheel, (peer) => this.#tellTyping(peer, false));
    this.#stops = [
      this.#broker.logs.follow(this.logName, (entry, position) => this.#onEntry(entry, position)),
      this.#broker.presence.follow(record.id, (change) => this.#onPresence(change)),
    ];
  }

  get record(): RoomRecord {
    return this.#record;
  }

  get position(): LogPosition {
    return { epoch: this.#epoch, seq: this.#deliveredSeq };
  }

  /** Of users. */
  get memberCount(): number {
    return this.#memberCount;
  }

  get present(): Iterable<PresenceMember> {
    return this.#present.values();
  }

  get isIdle(): boolean {
    return this.emptySinceMs !== null && this.#pending.size === 0 && this.fanOut.members.size === 0;
  }

  roleOf(userId: string): RoomRole {
    return roleOf(this.#record, userId);
  }

  /** Throws `not_in_room` and `role_forbidden`. */
  check(peer: Peer, action: RoomAction): void {
    if (!this.fanOut.members.has(peer)) {
      throw new ProtocolFailure("not_in_room", `Join the room "${this.id}" first.`);
    }
    const role = this.roleOf(peer.user.id);
    if (isAllowed(action, role)) return;
    throw new ProtocolFailure(
      "role_forbidden",
      `As ${role} of "${this.id}" you may not do this; its owner can change your role.`,
    );
  }

  /** Throws `room_not_found` unless the peer is a member or could become one. */
  checkReadable(peer: Peer): void {
    if (!this.fanOut.members.has(peer) && !mayEnter(this.#record, peer.user.id, undefined)) {
      throw roomNotFound(this.id);
    }
  }

  /** Presence before anything is sent to it; `attach` or a recovery goes on. Throws `room_not_found` and `room_full`. */
  async enter(peer: Peer, invite: string | undefined): Promise<void> {
    // Whoever was in when its connection was lost needs no invitation to come back.
    const isLetIn = this.entered.has(peer) && !this.#record.bannedUserIds.includes(peer.user.id);
    if (!isLetIn && !mayEnter(this.#record, peer.user.id, invite)) throw roomNotFound(this.id);
    const outcome = await this.#broker.presence.enter(
      this.id,
      { connectionId: peer.id, userId: peer.user.id, userName: peer.user.name },
      this.#record.maxMembersCount,
    );
    if (!outcome.entered) throw new ProtocolFailure("room_full", "Room is full");
    if (peer.life === "gone" || this.#isDiscarded) {
      // It went, or the room did, while it entered: nobody else would take it out.
      await this.#broker.presence.leave(this.id, peer.id);
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

  /** Lets a peer that has entered take part, and tells it what there is. */
  async welcome(peer: Peer, correlationId: string | undefined): Promise<void> {
    const runs = await this.#scene();
    // What is told and from where on the peer takes part is one step: nothing may fall between.
    if (peer.life !== "live") return;
    if (!this.entered.has(peer)) {
      peer.roomIds.delete(this.id);
      throw roomNotFound(this.id);
    }
    this.fanOut.sendInPlace(peer, () => {
      peer.send("join_room", this.#entrance(peer, runs), { correlationId });
      this.#tellDocument(peer);
    });
    if (!this.fanOut.members.has(peer)) this.attach(peer);
  }

  /**
   * For who is back and could not be recovered: the room as it is, and from that place on what comes. One step, so that
   * nothing reaches the peer before it knows of the gap.
   */
  async readmit(peer: Peer): Promise<void> {
    const { link } = peer;
    const runs = await this.#scene();
    if (peer.link !== link || link === null || !this.entered.has(peer)) return;
    peer.send("room_state", { ...this.#entrance(peer, runs), recovered: false });
    this.#tellDocument(peer);
    this.attach(peer);
  }

  /** To a member, after a gap that cannot be filled (`recovered: false`), or at the end of a recovery. */
  async tellState(peer: Peer, recovered: boolean): Promise<void> {
    const { link } = peer;
    const runs = await this.#scene();
    if (peer.link !== link || !this.fanOut.members.has(peer)) return;
    this.fanOut.sendInPlace(peer, () => {
      peer.send("room_state", { ...this.#entrance(peer, runs), recovered });
      if (!recovered) this.#tellDocument(peer);
    });
  }

  async #scene(): Promise<ServerPayloads["join_room"]["runs"]> {
    const [runs] = await Promise.all([this.#deps.runsOf(this.id), this.document.load()]);
    return runs;
  }

  #tellDocument(peer: Peer): void {
    const whole = this.document.whole();
    if (whole !== null) peer.sendShared(wholeDocumentMessage(this.id, this.position, whole));
  }

  #entrance(peer: Peer, runs: ServerPayloads["join_room"]["runs"]): ServerPayloads["join_room"] {
    const record = this.#record;
    const role = this.roleOf(peer.user.id);
    return {
      room_id: this.id,
      room_name: record.name,
      member_count: this.#memberCount,
      metadata: { ...record.metadata },
      members: this.#toldMembers(),
      role,
      owner_id: record.ownerId,
      is_public: record.isPublic,
      max_members: record.maxMembersCount,
      epoch: this.#epoch,
      seq: this.#deliveredSeq,
      runs,
      ...(record.invite !== null && isAllowed("invite", role) ? { invite: record.invite } : {}),
    };
  }

  #toldMembers(): ServerPayloads["join_room"]["members"] {
    const told: ServerPayloads["join_room"]["members"] = [];
    for (const { userId, userName, connectionId } of this.#present.values()) {
      if (told.length === SERVER_LIMITS.toldMembersCount) break;
      told.push({
        user_id: userId,
        user_name: userName,
        connection_id: connectionId,
        role: this.roleOf(userId),
      });
    }
    return told;
  }

  /** The socket is gone; its presence stays for the grace, and that it types for as long as it would have. */
  suspend(peer: Peer): void {
    this.fanOut.remove(peer);
  }

  async leave(peer: Peer): Promise<void> {
    this.#typing.clear(peer);
    this.suspend(peer);
    this.entered.delete(peer);
    peer.roomIds.delete(this.id);
    this.#deps.onMember(this.id, peer, "left");
    await this.#broker.presence.leave(this.id, peer.id);
  }

  /** The grace is over: away, but its room is remembered for its return. */
  async dismiss(peer: Peer): Promise<void> {
    this.#typing.clear(peer);
    this.suspend(peer);
    await this.#broker.presence.leave(this.id, peer.id);
  }

  /**
   * Settles when the entry is stored and members were told. The sender's acknowledgement has gone out in its place
   * then, unless the id was there already or is under way: that is acknowledged here. `recipientsCount`: members here
   * that were told; 0 for what was there already.
   */
  async append(
    origin: Peer | null,
    messageId: string | undefined,
    entry: RoomEntry,
  ): Promise<Appended & { readonly recipientsCount: number }> {
    const { userId } = entry.author;
    // Without an id of the sender's nothing can be sent again; one is made that no sender's can equal.
    const id = entryIdOf(userId, messageId ?? `\n${randomUUID()}`);
    const isFirst = !this.#pending.has(id);
    const pending: Pending = { origin, messageId, entry, recipientsCount: 0 };
    if (isFirst) this.#pending.set(id, pending);
    try {
      const appended = await this.#broker.logs.append(this.logName, {
        id,
        data: encodeEntry(entry),
        ...(entry.kind === "document" ? { pinned: true } : {}),
      });
      // Sent twice at once, perhaps over two connections: what is told in its place is told to the first.
      if (appended.repeated || !isFirst) {
        origin?.send("ack", this.#ack(messageId, appended), { correlationId: messageId });
      }
      return { ...appended, recipientsCount: pending.recipientsCount };
    } finally {
      if (isFirst) this.#pending.delete(id);
    }
  }

  /** An update of the document: taken whole or refused whole. Throws `bad_document_update`, `document_too_large`. */
  async edit(peer: Peer, messageId: string | undefined, update: Uint8Array): Promise<void> {
    const news = await this.document.apply(update);
    const author = { userId: peer.user.id, userName: peer.user.name, connectionId: peer.id };
    await this.#logUpdate(peer, messageId, author, news);
  }

  /** The server's own edit, at the end of the text of this name. */
  async write(name: string, text: string): Promise<void> {
    const update = await this.document.append(name, text);
    if (update !== null) await this.#logUpdate(null, undefined, SERVER_AUTHOR, update);
  }

  async #logUpdate(
    origin: Peer | null,
    messageId: string | undefined,
    author: Author,
    update: Uint8Array,
  ): Promise<void> {
    try {
      const base64 = Buffer.from(update).toString("base64");
      await this.append(origin, messageId, { kind: "document", author, update: base64 });
    } catch (error) {
      this.document.forget();
      throw error;
    }
  }

  setTyping(peer: Peer, isTyping: boolean): void {
    this.#typing.set(peer, isTyping);
    this.#tellTyping(peer, isTyping);
  }

  /** What is told at most once: `key` names its kind; the latest of a kind and a peer is sent. */
  tellEphemeral(
    peer: Peer,
    kind: "typing_indicator" | "cursor_position" | "awareness_update",
    message: () => ReturnType<typeof shareMessage>,
  ): void {
    this.fanOut.sendEphemeral(`${kind}:${this.id}:${peer.id}`, message(), peer);
  }

  /**
   * Something that is in no log: who came, whose role changed, what the application tells. In order with what is in
   * the log; who is away does not get it later. Returns to how many it went.
   */
  tell<T extends Outgoing>(
    what: T,
    payload: OutgoingPayload<T>,
    { correlationId, except }: TellOptions = {},
  ): number {
    const messageId = `${this.id}:${this.#epoch}:n${++this.#noticesCount}-${process.pid}`;
    return this.fanOut.send(
      shareAny(typeOf(what), payload, { messageId, correlationId }),
      except ?? undefined,
    );
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

  /** A missed entry, as the peer gets it: its own is acknowledged, those of others are told. */
  replay(peer: Peer, epoch: string, logged: LogEntry): void {
    const entry = decodeEntry(logged.data);
    if (entry.author.connectionId !== peer.id) {
      peer.sendShared(entryMessage(this.id, epoch, logged, entry));
      return;
    }
    const messageId = messageIdOf(logged.id);
    peer.send("ack", this.#ack(messageId, { epoch, seq: logged.seq }), { correlationId: messageId });
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
    for (const stop of this.#stops) stop();
    this.#typing.close();
  }

  #onEntry(logged: LogEntry, { epoch }: LogPosition): void {
    this.#epoch = epoch;
    this.#deliveredSeq = logged.seq;
    const pending = this.#pending.get(logged.id);
    const entry = pending?.entry ?? decodeEntry(logged.data);
    if (entry.kind === "document") this.document.logged(logged.seq, entry.update, pending !== undefined);
    const origin = pending?.origin ?? null;
    const message = entryMessage(this.id, epoch, logged, entry);
    // Who is on its way back is acknowledged by the replay, after the entries before this one.
    const isReturning = origin !== null && this.entered.has(origin) && !this.fanOut.members.has(origin);
    if (origin !== null && !isReturning) {
      const ack = this.#ack(pending?.messageId, { epoch, seq: logged.seq });
      this.fanOut.sendInPlace(origin, () => {
        origin.send("ack", ack, { correlationId: pending?.messageId });
      });
    }
    const recipientsCount = this.fanOut.send(message, isReturning ? undefined : (origin ?? undefined));
    if (pending !== undefined) pending.recipientsCount = recipientsCount;
  }

  #ack(messageId: string | undefined, { epoch, seq }: LogPosition): ServerPayloads["ack"] {
    return { ...(messageId === undefined ? {} : { message_id: messageId }), room_id: this.id, seq, epoch };
  }

  #onPresence({ kind, member, memberCount }: PresenceChange): void {
    this.#memberCount = memberCount;
    if (kind === "entered") this.#present.set(member.connectionId, member);
    else this.#present.delete(member.connectionId);
    this.emptySinceMs = memberCount === 0 ? this.#deps.wheel.now() : null;
    this.tell(kind === "entered" ? "user_joined" : "user_left", {
      room_id: this.id,
      user_id: member.userId,
      user_name: member.userName,
      connection_id: member.connectionId,
      member_count: memberCount,
    });
  }

  #tellTyping(peer: Peer, isTyping: boolean): void {
    this.tellEphemeral(peer, "typing_indicator", () =>
      shareMessage(
        "typing_indicator",
        { ...this.originOf(peer), is_typing: isTyping },
        { messageId: this.ephemeralId(peer) },
      ),
    );
  }

  originOf(peer: Peer) {
    return {
      room_id: this.id,
      user_id: peer.user.id,
      user_name: peer.user.name,
      connection_id: peer.id,
    };
  }

  ephemeralId(peer: Peer): string {
    return `${peer.id}:e${++this.#noticesCount}`;
  }
}

export function roomNotFound(roomId: string): ProtocolFailure {
  return new ProtocolFailure("room_not_found", `There is no room "${roomId}" for you.`);
}
