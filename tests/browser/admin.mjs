// The page for administrators, signed in, and a client that it sees.

import { blank, open, page } from "./browser.mjs";
import { dev, token } from "./server.mjs";

/** A server for trying out, and its page for administrators. */
export async function opened(t, settings = []) {
  const server = await dev(t, settings);
  const browser = await open();
  const shown = await page(t, browser);
  await shown.goto(server.admin);
  await shown.getByRole("heading", { name: "Overview" }).waitFor();
  const go = async (section) => {
    await shown.getByRole("navigation").getByRole("link", { name: section }).click();
    await shown.getByRole("heading", { name: section, level: 1 }).waitFor();
  };
  return { server, browser, shown, go };
}

/** A client of alice, in the room general, in a page of its own. */
export async function client(t, { server, browser }) {
  const shown = await page(t, browser);
  await blank(shown, server.base);
  await shown.evaluate(
    async ({ url, token }) => {
      const { createTidings } = await import(`${url}/assets/vendor/tidings.js`);
      globalThis.client = createTidings({ url, token, rooms: ["general"], sharing: "none" });
      globalThis.client.connect();
      await globalThis.client.ready();
    },
    { url: server.base, token: await token(server, "alice") },
  );
  return shown;
}
