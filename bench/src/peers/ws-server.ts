/**
 * Plain `ws` with a room: what an application is likely to write by hand (`each`: the frame is built for every
 * member), and the same with the frame built once and its bytes written to every socket (`shared`). It also takes
 * those back who return with a `resume`, so that the storm can be tried without the whole product.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { serveBenchmark } from "./process.js";

interface Member {
  readonly userId: string;
  readonly socket: WebSocket;
  readonly stream: Duplex;
}

interface Room {
  readonly id: string;
  readonly members: Set<Member>;
  /** Of the newest message. */
  seq: number;
  /** The newest messages as JSON, for those who return. */
  readonly recent: string[];
}

type Request =
  | { readonly type: "ping"; readonly message_id: string }
  | {
      readonly type: "room_message";
      readonly message_id: string;
      readonly payload: { readonly message: string };
    }
  | {
      readonly type: "resume";
      readonly payload: { readonly positions: { readonly rooms: Record<string, { readonly seq: number }> } };
    };

const EPOCH = "only";
const KEPT_COUNT = 1_000;
const shares = process.argv[2] === "shared";
const rooms = new Map<string, Room>();

function roomOf(id: string): Room {
  const room = rooms.get(id) ?? { id, members: new Set(), seq: 0, recent: [] };
  rooms.set(id, room);
  return room;
}

function send(member: Member, type: string, fields: Record<string, unknown>): void {
  member.socket.send(JSON.stringify({ type, timestamp: Date.now() / 1_000, ...fields }));
}

function publish(room: Room, from: Member, id: string, message: string): void {
  room.seq += 1;
  const { seq } = room;
  const timestamp = Date.now() / 1_000;
  const payload = { room_id: room.id, user_id: from.userId, message, timestamp, seq, epoch: EPOCH };
  const text = JSON.stringify({ type: "room_message", timestamp, payload });
  room.recent.push(text);
  if (room.recent.length === 2 * KEPT_COUNT) room.recent.splice(0, KEPT_COUNT);
  if (shares) writeShared(room, from, text);
  else for (const { socket } of room.members) if (socket !== from.socket) socket.send(text);
  send(from, "ack", { payload: { message_id: id, seq, epoch: EPOCH } });
}

function writeShared(room: Room, from: Member, text: string): void {
  const frame = textFrame(text);
  for (const { socket, stream } of room.members) if (socket !== from.socket) stream.write(frame);
}

/** A final text frame of 126 to 65,535 bytes, unmasked: RFC 6455, section 5.2. */
function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(4 + bytes);
  frame[0] = 0x81;
  frame[1] = 126;
  frame.writeUInt16BE(bytes, 2);
  frame.write(text, 4);
  return frame;
}

function join(room: Room, member: Member): void {
  room.members.add(member);
  member.socket.on("close", () => room.members.delete(member));
}

function take(member: Member, room: Room | null, data: RawData): void {
  // Whatever the generator sends is of these types.
  const request = JSON.parse(data.toString()) as Request;
  if (request.type === "ping") send(member, "pong", { correlation_id: request.message_id });
  else if (request.type === "room_message" && room !== null)
    publish(room, member, request.message_id, request.payload.message);
  else if (request.type === "resume") {
    for (const [id, { seq }] of Object.entries(request.payload.positions.rooms)) {
      const returned = roomOf(id);
      send(member, "resumed", { payload: { rooms: { [id]: { recovered: true } } } });
      const missedCount = returned.seq - seq;
      for (const text of returned.recent.slice(returned.recent.length - missedCount))
        member.socket.send(text);
      join(returned, member);
    }
  }
}

const server = createServer();
const upgrades = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
upgrades.on("connection", (socket, request) => {
  const url = new URL(request.url ?? "", "http://localhost");
  const member = { userId: url.searchParams.get("user_id") ?? "guest", socket, stream: request.socket };
  const roomId = url.pathname.match(/^\/api\/ws\/room\/(.+)$/)?.[1];
  const room = roomId === undefined ? null : roomOf(roomId);
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => take(member, room, data));
  const session = { resume_token: member.userId };
  send(member, "connection_ack", { payload: { user_id: member.userId, session } });
  if (room === null) return;
  join(room, member);
  send(member, "join_room", { payload: { room_id: room.id, member_count: room.members.size } });
});
await once(server.listen(0, "127.0.0.1"), "listening");
serveBenchmark((server.address() as AddressInfo).port);
