/**
 * Server-Sent Events (PROTOCOL.md section 4), read with `fetch`: an `EventSource` takes no token but in its URI, and
 * does not say what it was refused for.
 */

import type { Other } from "./way.js";

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

export const readEvents: Other = async ({ core, hear, alive }, query, signal) => {
  const { body } = await core.http<Response>("sse", { query: query(), signal, isStream: true });
  const reader = (body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream()).getReader();
  const read = dataReader((data) => hear(JSON.parse(data)));
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    read(value);
  }
};
