/**
 * Server-Sent Events (PROTOCOL.md section 4), read with `fetch`: an `EventSource` takes no token but in its URI, and
 * does not say what it was refused for.
 */

import { TidingsError } from "../errors.js";
import type { Goodbye } from "../wire.js";
import { type Open, ROOMS_MAX } from "./transport.js";

/** Takes the `data` of one event after the other out of what comes in pieces. The rest of an event repeats its data. */
export function dataReader(take: (data: string) => void): (text: string) => void {
  let rest = "";
  let data: string[] = [];
  return (text) => {
    // A CR at the end may be the first half of a CRLF: it waits for what follows.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && data.length) {
        take(data.join("\n"));
        data = [];
      }
    }
  };
}

export const openEventStream: Open = (wire) => {
  const abort = new AbortController();
  const rooms = wire.rooms.slice(0, ROOMS_MAX);
  const run = async () => {
    let goodbye: Goodbye | undefined;
    const read = dataReader((data) => {
      const frame = JSON.parse(data);
      if (frame.type === "goodbye") goodbye = frame;
      wire.hear(frame);
    });
    const url = wire.http.url("sse", { rooms: rooms.join(), since: wire.cursor(["inbox", ...rooms]) });
    const answer = await wire.http.send(url, { headers: { Accept: "text/event-stream" }, signal: abort.signal });
    const decoder = new TextDecoder();
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || abort.signal.aborted) break;
      wire.alive();
      read(decoder.decode(value, { stream: true }));
    }
    throw new TidingsError(goodbye?.reason ?? "network", "the stream has ended", {
      status: goodbye?.code,
      retryable: true,
      retryAfterMs: goodbye?.retry_after_ms,
    });
  };
  run().catch((error) => {
    if (!abort.signal.aborted) wire.lost(error);
  });
  return { close: () => abort.abort() };
};
