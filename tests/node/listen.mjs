// Listens with an EventSource that is not ours, and prints a line of JSON for each thing that happens:
//   {"request": "<Last-Event-ID, or null>"}      a connection is asked for
//   {"retry": 1500}                              the stream says how long to wait
//   {"state": 1}                                 the connection is open
//   {"heard": "update", "type", "data", "lastEventId"}   an event, and the handler that heard it: a name of the
//                                                command line, `onmessage`, or null where nobody asked for it
//   {"error": "…", "code": 401, "state": 2}      the connection has failed, and will (0) or will not (2) be tried again
// each with "at", in milliseconds.
//
//   node listen.mjs URL [NAME …]

import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";

const [url, ...names] = process.argv.slice(2);

function say(what) {
  console.log(JSON.stringify({ ...what, at: performance.now() }));
}

// An EventSource keeps to itself what it was told to wait, so the stream goes to its parser a second time.
async function readRetries(body) {
  const parser = createParser({ onRetry: (retry) => say({ retry }) });
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      parser.feed(text);
    }
  } catch {
    // The connection was cut; the EventSource says so.
  }
}

async function fetchAndTell(url, init) {
  say({ request: init.headers["Last-Event-ID"] ?? null });
  const response = await fetch(url, init);
  const [ours, theirs] = response.body.tee();
  readRetries(ours);
  return new Response(theirs, response);
}

class Listener extends EventSource {
  // Sees every event before its handlers do, so that one with a name that nobody knows is not missed.
  dispatchEvent(event) {
    if (event instanceof MessageEvent && event.type !== "message" && !names.includes(event.type)) {
      tell(null)(event);
    }
    return super.dispatchEvent(event);
  }
}

function tell(heard) {
  return ({ type, data, lastEventId }) => say({ heard, type, data, lastEventId });
}

const source = new Listener(url, { fetch: fetchAndTell });
source.onopen = () => say({ state: source.readyState });
source.onerror = ({ message, code }) => say({ error: message ?? "", code, state: source.readyState });
source.onmessage = tell("onmessage");
for (const name of names) {
  source.addEventListener(name, tell(name));
}
