import type { ServerMessage } from "@sparql-live/protocol";
import type { TestServer } from "./start-server.js";
import { openClient, type TestClient } from "./test-client.js";

interface RoomClientOptions {
  readonly room?: string;
  readonly protocols?: string[];
  /** Further parameters of the address. */
  readonly more?: string;
}

/** A client of this user, in a room where one is named; the user's name is the id in capitals. */
export function openAs(
  server: Pick<TestServer, "url">,
  user: string,
  { room, protocols = [], more = "" }: RoomClientOptions = {},
): Promise<TestClient> {
  const path = room === undefined ? "/api/ws/query" : `/api/ws/room/${room}`;
  const query = `user_id=${user}&user_name=${user.toUpperCase()}${more}`;
  return openClient(`${server.url.replace("http", "ws")}${path}?${query}`, { protocols });
}

/** A client that is in a room, with what a later `resume` needs. */
export async function openMember(server: Pick<TestServer, "url">, user: string, room: string) {
  const client = await openAs(server, user, { room });
  const { payload: ack } = await client.next("connection_ack");
  const { payload: joined } = await client.next("join_room");
  return {
    client,
    connectionId: ack.connection_id,
    token: ack.session.resume_token,
    position: { epoch: joined.epoch, seq: joined.seq },
    joined,
  };
}

/** The messages of a room that a client got, by their place, and the places of its own. */
export function seqsOf(log: readonly ServerMessage[], room: string): number[] {
  return log.flatMap((message) =>
    (message.type === "room_message" || message.type === "ack" || message.type === "document_update") &&
    message.payload.room_id === room &&
    !("whole" in message.payload)
      ? [message.payload.seq]
      : [],
  );
}

export function countOf(log: readonly ServerMessage[], type: ServerMessage["type"]): number {
  return log.filter((message) => message.type === type).length;
}

interface Resume {
  readonly token: string;
  readonly positions?: unknown;
  readonly acks?: boolean;
  readonly user?: string;
}

/** Comes back, and waits until it is told what it comes back to. */
export async function resume(
  server: Pick<TestServer, "url">,
  { token, positions, acks, user = "ada" }: Resume,
) {
  const client = await openAs(server, user);
  client.send("resume", { resume_token: token, positions, acks }, { message_id: "resume" });
  const resumed = await client.next("resumed");
  return { client, resumed: resumed.payload };
}

/** Sends messages one by one, each acknowledged before the next. */
export async function say(client: TestClient, room: string, from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index++) {
    client.send("room_message", { room_id: room, message: index }, { message_id: `m${index}` });
    await client.next("ack");
  }
}
