// Two browsers on two instances, which know of each other by Redis alone.

import assert from "node:assert/strict";
import test from "node:test";
import { another, blank, open, page } from "./browser.mjs";
import { redis, serve, token } from "./server.mjs";

async function join(shown, base, bearer) {
  await blank(shown, base);
  await shown.evaluate(
    async ({ url, token }) => {
      const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
      const client = createTidings({ url, token, sharing: "none" });
      globalThis.room = client.room("general");
      client.connect();
      await client.ready();
    },
    { url: base, token: bearer },
  );
}

const said = (count) => globalThis.room.getSnapshot().messages.length >= count;

test("two browsers on two instances see each other and chat through Redis", async (t) => {
  const bus = `bridge.url=${await redis(t)}`;
  const [one, two] = await Promise.all([serve(t, [bus]), serve(t, [bus])]);
  const [alice, bob] = [await page(t, await open()), await page(t, await another(t))];
  await join(alice, one.base, await token({}, "alice"));
  await join(bob, two.base, await token({}, "bob"));
  await alice.waitForFunction(() => globalThis.room.getSnapshot().users.join() === "alice,bob");
  await bob.waitForFunction(() => globalThis.room.getSnapshot().users.join() === "alice,bob");

  await bob.evaluate(() => globalThis.room.typing());
  await alice.waitForFunction(() => globalThis.room.getSnapshot().typing.join() === "bob");
  await bob.evaluate(() => globalThis.room.publish("Hello"));
  await alice.waitForFunction(said, 1);
  await alice.evaluate(() => globalThis.room.publish("Hello, bob"));
  await Promise.all([alice, bob].map((shown) => shown.waitForFunction(said, 2)));
  const words = (shown) => shown.evaluate(() => globalThis.room.getSnapshot().messages.map(({ from, data }) => `${from}: ${data}`));
  assert.deepEqual(await words(alice), ["bob: Hello", "alice: Hello, bob"]);
  assert.deepEqual(await words(bob), await words(alice));
});
