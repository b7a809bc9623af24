// The fastest peer that is known: Bun, whose WebSockets are those of uWebSockets, with a Redis between several.
//
// Everybody in a room is told what anybody says there, over WebSocket or Server-Sent Events. It speaks as much of
// the protocol of tidings as the generator needs. It verifies, numbers, keeps and bounds nothing.

import { RedisClient } from "bun";

const bus = process.env.REDIS_URL && new RedisClient(process.env.REDIS_URL);
const streams = new Map();
const encoder = new TextEncoder();

function deliver(room, text) {
  server.publish(room, text);
  const chunk = streams.has(room) && encoder.encode(`event: message\nid: k3x9q2ab.42\ndata: ${text}\n\n`);
  for (const controller of streams.get(room) ?? []) controller.enqueue(chunk);
}

function eventStream(room) {
  if (!streams.has(room)) streams.set(room, new Set());
  let own;
  const body = new ReadableStream({
    start(controller) {
      own = controller;
      controller.enqueue(encoder.encode('event: ok\ndata: {"type":"ok"}\n\n'));
      streams.get(room).add(controller);
    },
    cancel: () => streams.get(room).delete(own),
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  fetch(request, server) {
    const room = new URL(request.url).searchParams.get("rooms");
    if (server.upgrade(request, { data: { room } })) return undefined;
    return eventStream(room);
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe(socket.data.room);
      socket.send('{"type":"ok"}');
    },
    message(socket, text) {
      const { room } = socket.data;
      const { data } = JSON.parse(text);
      const message = { type: "message", room, position: "k3x9q2ab.42", from: "bench", data, at: "2026-01-01T00:00:00.000Z" };
      if (bus) bus.publish("rooms", `${room} ${JSON.stringify(message)}`);
      else deliver(room, JSON.stringify(message));
    },
  },
});

if (bus) {
  const subscriber = await bus.duplicate();
  await subscriber.subscribe("rooms", (said) => {
    const space = said.indexOf(" ");
    deliver(said.slice(0, space), said.slice(space + 1));
  });
}

console.error(JSON.stringify({ message: "listening", address: `127.0.0.1:${server.port}` }));
