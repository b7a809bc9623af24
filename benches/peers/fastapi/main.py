"""What many a project begins with: FastAPI, a connection manager, and Redis between the instances.

It speaks as much of the protocol of tidings as the generator needs, and verifies, numbers, keeps and bounds nothing.
"""

import asyncio
import json
import os
import resource
import socket
import sys
from collections import defaultdict
from contextlib import asynccontextmanager

import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

ENVELOPE = {"type": "message", "position": "k3x9q2ab.42", "from": "bench", "at": "2026-01-01T00:00:00.000Z"}

pool = redis.BlockingConnectionPool.from_url(os.environ["REDIS_URL"], decode_responses=True)
bus = redis.Redis(connection_pool=pool)


class ConnectionManager:
    def __init__(self):
        self.sockets = defaultdict(set)
        self.queues = defaultdict(set)

    async def broadcast(self, room, text):
        for websocket in list(self.sockets[room]):
            try:
                await websocket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                self.sockets[room].discard(websocket)
        for queue in self.queues[room]:
            queue.put_nowait(text)


async def listen():
    async with bus.pubsub() as pubsub:
        await pubsub.psubscribe("room:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                await manager.broadcast(message["channel"].removeprefix("room:"), message["data"])


@asynccontextmanager
async def lifespan(_):
    task = asyncio.create_task(listen())
    yield
    task.cancel()


manager = ConnectionManager()

app = FastAPI(lifespan=lifespan)


@app.websocket("/v1/ws")
async def websocket_endpoint(websocket: WebSocket, rooms: str):
    await websocket.accept()
    manager.sockets[rooms].add(websocket)
    await websocket.send_text('{"type":"ok"}')
    try:
        while True:
            said = json.loads(await websocket.receive_text())
            await bus.publish(f"room:{rooms}", json.dumps(ENVELOPE | {"room": rooms, "data": said["data"]}))
    except WebSocketDisconnect:
        manager.sockets[rooms].discard(websocket)


@app.get("/v1/sse")
async def event_stream(rooms: str):
    async def events():
        queue = asyncio.Queue()
        manager.queues[rooms].add(queue)
        try:
            yield 'event: ok\ndata: {"type":"ok"}\n\n'
            while True:
                yield f"event: message\nid: k3x9q2ab.42\ndata: {await queue.get()}\n\n"
        finally:
            manager.queues[rooms].discard(queue)

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    address = "%s:%s" % listener.getsockname()
    print(json.dumps({"message": "listening", "address": address}), file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
