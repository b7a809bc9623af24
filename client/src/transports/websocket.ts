/** A WebSocket (PROTOCOL.md section 3). Rooms are joined by commands, so that one that is refused ends nothing. */

import type { Open } from "./way.js";

export const openWebSocket: Open = ({ core, token, cursor, hear, ended }) => {
  const { url, WebSocket } = core.settings;
  const since = cursor([]);
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/ws${since && `?since=${since}`}`, [
    "tidings.v1",
    ...(token ? [`bearer.${token}`] : []),
  ]);
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = ended;
  return {
    send: (command) => socket.send(JSON.stringify(command)),
    close: () => {
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
};
