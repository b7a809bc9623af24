/**
 * Server-Sent Events (PROTOCOL.md section 4), read with `fetch`: an `EventSource` takes no token but in its URI, and
 * does not say what it was refused for.
 */

import { endOf, type Open } from "./way.js";

/** Takes the `data` of one event after the other out of what comes in pieces. All else of an event is in its data. */
export function dataReader(take: (data: string) => void): (text: string) => void {
  let rest = "";
  let data: string[] = [];
  return (text) => {
    // A CR at the end may be the first half of a CRLF: it waits for what follows.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      else if (!line && data[0] !== undefined) {
        take(data.join("\n"));
        data = [];
      }
    }
  };
}

export const openEventStream: Open = ({ core, rooms: wanted, cursor, hear, alive, lost }) => {
  const rooms = wanted();
  const abort = new AbortController();
  const { signal } = abort;
  const run = async () => {
    let goodbye = {};
    const read = dataReader((data) => {
      const frame = JSON.parse(data);
      if (frame.type === "goodbye") goodbye = frame;
      hear(frame);
    });
    const query = { rooms: rooms.join(), since: cursor(rooms) };
    const headers = { Accept: "text/event-stream" };
    const { body } = await core.http<Response>("sse", { query, headers, signal, isRaw: true });
    const reader = (body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw endOf(goodbye);
      alive();
      read(value);
    }
  };
  run().catch(lost);
  return { close: () => abort.abort() };
};
