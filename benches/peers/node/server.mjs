// What many a project begins with in JavaScript: `ws`, and ioredis between the instances.
//
// Everybody in a room is told what anybody says there, over WebSocket or Server-Sent Events. It speaks as much of
// the protocol of tidings as the generator needs. It verifies, numbers, keeps and bounds nothing.

import { createServer } from "node:http";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
const rooms = new Map();

function members(room) {
  if (!rooms.has(room)) rooms.set(room, { sockets: new Set(), streams: new Set() });
  return rooms.get(room);
}

const roomOf = (request) => new URL(request.url, "http://bench").searchParams.get("rooms");

const server = createServer((request, response) => {
  const { streams } = members(roomOf(request));
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write('event: ok\ndata: {"type":"ok"}\n\n');
  streams.add(response);
  response.on("close", () => streams.delete(response));
});

const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on("connection", (socket, request) => {
  const room = roomOf(request);
  members(room).sockets.add(socket);
  socket.send('{"type":"ok"}');
  socket.on("message", (bytes) => {
    const { data } = JSON.parse(bytes);
    const message = { type: "message", room, position: "k3x9q2ab.42", from: "bench", data, at: "2026-01-01T00:00:00.000Z" };
    publisher.publish(`room:${room}`, JSON.stringify(message));
  });
  socket.on("close", () => members(room).sockets.delete(socket));
});

await subscriber.psubscribe("room:*");
subscriber.on("pmessage", (_pattern, channel, text) => {
  const { sockets, streams } = members(channel.slice("room:".length));
  for (const socket of sockets) if (socket.readyState === socket.OPEN) socket.send(text);
  for (const response of streams) response.write(`event: message\nid: k3x9q2ab.42\ndata: ${text}\n\n`);
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const { address, port } = server.address();
  console.error(JSON.stringify({ message: "listening", address: `${address}:${port}` }));
});
