// Several event streams and a publish over one HTTP/2 connection, by the client of Node. Prints what came as JSON.
//
//   TOKEN=… node http2.mjs https://localhost:PORT CA.pem

import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const STREAMS = 3;

const [url, authority] = process.argv.slice(2);
const token = process.env.TOKEN;
const session = connect(url, { ca: readFileSync(authority) });

function ask(headers, body) {
  const request = session.request({ authorization: `Bearer ${token}`, ...headers });
  request.setEncoding("utf8");
  if (body !== undefined) request.end(body);
  return request;
}

function status(request) {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (headers) => resolve(headers[":status"]));
  });
}

// Resolves when it has this text; what is held back never comes.
function hears(request, text) {
  let all = "";
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("data", (data) => {
      all += data;
      if (all.includes(text)) resolve(all);
    });
  });
}

const streams = Array.from({ length: STREAMS }, () => ask({ ":path": "/v1/sse" }));
await Promise.all(streams.map((stream) => hears(stream, "event: welcome")));
const event = streams.map((stream) => hears(stream, '"payload":{"n":1}'));
const draft = JSON.stringify({ to: "alice", type: "test.event", payload: { n: 1 } });
const published = await status(
  ask({ ":method": "POST", ":path": "/v1/notifications", "content-type": "application/json" }, draft),
);
const heard = (await Promise.all(event)).map((text) => text.split('"payload":{"n":1}').length - 1);

const from = (origin) => status(ask({ ":path": "/v1/poll", origin }));
const own = await from(url);
const plain = await from(url.replace("https:", "http:"));

console.log(
  JSON.stringify({
    protocol: session.alpnProtocol,
    streams: streams.length,
    published,
    heard,
    own_origin: own,
    plain_origin: plain,
  }),
);
session.destroy();
