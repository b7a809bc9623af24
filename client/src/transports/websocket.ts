/** A WebSocket (PROTOCOL.md section 3). Rooms are joined by commands, so that one that is refused ends nothing. */

import { TidingsError } from "../errors.js";
import type { Goodbye } from "../wire.js";
import type { Open } from "./transport.js";

export const openWebSocket: Open = (wire) => {
  const url = wire.http.url("ws", { since: wire.cursor(["inbox"]) }).replace(/^http/, "ws");
  const socket = new wire.WebSocket(url, ["tidings.v1", ...(wire.token ? [`bearer.${wire.token}`] : [])]);
  let goodbye: Goodbye | undefined;
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data as string);
    if (frame.type === "goodbye") goodbye = frame;
    wire.hear(frame);
  };
  socket.onclose = ({ code, reason }) => {
    wire.lost(
      new TidingsError(reason || goodbye?.reason || "network", `the connection was closed: ${code}`, {
        status: code,
        retryable: true,
        retryAfterMs: goodbye?.retry_after_ms,
      }),
    );
  };
  return {
    send: (command) => socket.readyState === 1 && socket.send(JSON.stringify(command)),
    close: () => {
      socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
};
