"""FastAPI as its guide to WebSockets has it: a manager with a list of connections, send_json to each in a loop.

Prints its port and ends when its standard input does.
"""
import gc
import os
import signal
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
rooms: dict[str, list[WebSocket]] = {}


@app.websocket("/api/ws/query")
async def query(websocket: WebSocket, user_id: str):
    await greet(websocket, user_id)
    try:
        while True:
            await websocket.receive_json()
    except WebSocketDisconnect:
        pass


@app.websocket("/api/ws/room/{room_id}")
async def room(websocket: WebSocket, room_id: str, user_id: str):
    await greet(websocket, user_id)
    members = rooms.setdefault(room_id, [])
    members.append(websocket)
    seq = 0
    try:
        await websocket.send_json({"type": "join_room", "payload": {"room_id": room_id}})
        while True:
            message = await websocket.receive_json()
            if message["type"] == "ping":
                await websocket.send_json({"type": "pong", "correlation_id": message["message_id"]})
                continue
            payload = {
                "room_id": room_id,
                "user_id": user_id,
                "message": message["payload"]["message"],
            }
            for member in list(members):
                if member is not websocket:
                    await member.send_json({"type": "room_message", "payload": payload})
            seq += 1
            acknowledged = {"message_id": message["message_id"], "seq": seq}
            await websocket.send_json({"type": "ack", "payload": acknowledged})
    except WebSocketDisconnect:
        pass
    finally:
        members.remove(websocket)


async def greet(websocket: WebSocket, user_id: str):
    await websocket.accept()
    await websocket.send_json({"type": "connection_ack", "payload": {"user_id": user_id}})


signal.signal(signal.SIGUSR2, lambda *_: gc.collect())
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, loop="uvloop", ws="websockets", log_level="error")).run(sockets=[listener])
