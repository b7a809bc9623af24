// The client in a browser, through nginx as `deploy/nginx` sets it up.

import assert from "node:assert/strict";
import test from "node:test";
import { blank, open, page } from "./browser.mjs";
import { nginx, publish, serve, token } from "./server.mjs";

test("through nginx every transport carries what is live, and what was missed", async (t) => {
  const { base } = await serve(t, ["http.trusted_proxies=127.0.0.1"]);
  const front = await nginx(t, base);
  const backend = await token({}, "backend", "--scope", "notify");
  const shown = await page(t, await open());
  await blank(shown, front);
  await shown.evaluate(
    async ({ url, token }) => {
      const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
      const client = createTidings({ url, token, sharing: "none", pollInterval: 200, rooms: ["general"] });
      Object.assign(globalThis, { client, got: [], said: [] });
      client.on("notification", ({ payload }) => globalThis.got.push(payload.n));
      client.on("message", ({ data }) => globalThis.said.push(data));
      client.connect();
      await client.ready();
    },
    { url: front, token: await token({}, "alice") },
  );
  let sent = 0;
  const send = async () => {
    sent += 1;
    await publish(front, backend, "alice", { n: sent });
    await shown.waitForFunction((n) => globalThis.got.at(-1) === n, sent);
  };
  for (const way of ["ws", "sse", "longpoll", "poll"]) {
    await shown.evaluate((way) => globalThis.client.reconnect(way), way);
    await shown.waitForFunction((way) => {
      const { status, transport, rooms } = globalThis.client.getSnapshot();
      return status === "connected" && transport === way && rooms.general?.status === "joined";
    }, way);
    await send();
    await shown.evaluate((way) => globalThis.client.room("general").publish(way), way);
    await shown.waitForFunction((way) => globalThis.said.at(-1) === way, way);
    // What comes while it changes its way is missed, and made up for.
    await shown.evaluate(() => globalThis.client.reconnect());
    await send();
  }
  assert.deepEqual(await shown.evaluate(() => globalThis.got), Array.from({ length: sent }, (_, n) => n + 1));
  assert.deepEqual(await shown.evaluate(() => globalThis.said), ["ws", "sse", "longpoll", "poll"]);
});
