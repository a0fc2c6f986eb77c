/** Socket.IO as its guide has it: rooms, `to(room).emit` to the others, and the callback for the sender. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { serveBenchmark } from "./process.js";

interface RoomMessage {
  readonly message_id: string;
  readonly room_id: string;
  readonly message: string;
}

type Acknowledge = (answer: Record<string, unknown>) => void;

let seq = 0;
const http = createServer();
const server = new Server(http, { transports: ["websocket"], serveClient: false });
server.on("connection", (socket) => {
  socket.on("join_room", ({ room_id }: Pick<RoomMessage, "room_id">) => {
    void socket.join(room_id);
    socket.emit("join_room", { room_id });
  });
  socket.on("room_message", ({ message_id, room_id, message }: RoomMessage, acknowledge: Acknowledge) => {
    seq += 1;
    const timestamp = Date.now() / 1_000;
    socket.to(room_id).emit("room_message", { room_id, user_id: socket.id, message, timestamp, seq });
    acknowledge({ message_id, seq });
  });
  socket.on("ping", ({ message_id }: Pick<RoomMessage, "message_id">, acknowledge: Acknowledge) => {
    acknowledge({ message_id, timestamp: Date.now() / 1_000 });
  });
});
await once(http.listen(0, "127.0.0.1"), "listening");
serveBenchmark((http.address() as AddressInfo).port);
