/** How an inbox behaves, whoever renders it. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeTidings } from "../src/testing.js";
import type { Notification } from "../src/types.js";
import { Feed } from "../src/view/feed.js";
import { german } from "../src/view/german.js";
import { itemOf } from "../src/view/item.js";
import { ago } from "../src/view/time.js";
import { badge, english, say } from "../src/view/words.js";
import { DEADLINE_MS } from "./support/deadline.js";

function notification(more: Partial<Notification>): Notification {
  const created_at = "2026-11-25T12:00:00.000Z";
  return { id: "ntf_1", type: "note.text", v: 1, position: "aaaaaaaa.1", payload: {}, created_at, ...more };
}

describe("words", () => {
  it("choose the plural form of the language", () => {
    expect(say(english, "fresh", { n: 1 }, "en")).toBe("1 new notification");
    expect(say(english, "fresh", { n: 3 }, "en")).toBe("3 new notifications");
    expect(say(german, "fresh", { n: 1 }, "de")).toBe("1 neue Mitteilung");
    expect(say(english, "badge", { n: 0 }, "en")).toBe("Notifications");
  });

  it("are there in every language", () => {
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
  });

  it("stop counting at 99", () => {
    expect([badge(1), badge(99), badge(100)]).toEqual(["1", "99", "99+"]);
  });
});

describe("an item", () => {
  it("has a title, whatever the payload is", () => {
    for (const payload of [null, 1, "text", [], {}, { title: "" }, { title: 1 }]) {
      expect(itemOf(notification({ type: "order.shipped_now", payload })).title).toBe("Order shipped now");
    }
    const full = itemOf(notification({ payload: { title: "T", body: "B" } }));
    expect([full.title, full.text]).toEqual(["T", "B"]);
  });

  it("leads nowhere but to pages", () => {
    const url = (url: unknown) => itemOf(notification({ payload: { url } })).url;
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "", 1, "//"])
      expect(url(bad)).toBeNull();
    expect(url("https://a.example/x")).toBe("https://a.example/x");
  });

  it("says when it was, and after a week the date", () => {
    const now = Date.parse("2026-11-25T12:00:00.000Z");
    const at = (ms: number) => ago(new Date(now - ms).toISOString(), now, "en");
    expect([at(-5_000), at(59_000), at(60_000), at(3 * 3_600_000), at(25 * 3_600_000)]).toEqual([
      "now",
      "now",
      "1 minute ago",
      "3 hours ago",
      "yesterday",
    ]);
    expect(at(8 * 86_400_000)).toBe("Nov 17, 2026");
  });
});

describe("a list", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** Lets what is on its way arrive. */
  const settle = () => vi.advanceTimersByTimeAsync(50);

  async function open(count: number) {
    const client = fakeTidings();
    for (let n = 0; n < count; n += 1) client.deliver({ type: "note.text", payload: {} });
    client.connect();
    await vi.waitFor(
      () => expect([client.getSnapshot().status, client.getSnapshot().loaded]).toEqual(["connected", true]),
      DEADLINE_MS,
    );
    await settle();
    const feed = new Feed(client);
    feed.subscribe(() => {});
    return { client, feed, deliver: () => client.deliver({ type: "note.text", payload: {} }) };
  }

  it("holds back what comes while its reader is further down", async () => {
    const { feed, deliver } = await open(2);
    feed.setAtTop(false);
    deliver();
    deliver();
    await settle();
    expect([feed.getView().held, feed.getView().items.length]).toEqual([2, 2]);
    feed.setAtTop(true);
    expect([feed.getView().held, feed.getView().items.length]).toEqual([0, 4]);
  });

  it("is told to a screen reader together, and at most each five seconds", async () => {
    const { feed, deliver } = await open(0);
    deliver();
    deliver();
    await vi.advanceTimersByTimeAsync(400);
    expect(feed.getView().announced).toBe(2);
    deliver();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(feed.getView().announced).toBe(0);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(feed.getView().announced).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.getView().announced).toBe(0);
  });

  it("is told no more of what came up to now, once somebody else has told it", async () => {
    const { feed, deliver } = await open(0);
    deliver();
    await vi.advanceTimersByTimeAsync(400);
    deliver();
    feed.hush();
    expect(feed.getView().announced).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.getView().announced).toBe(0);
    deliver();
    await vi.advanceTimersByTimeAsync(400);
    expect(feed.getView().announced).toBe(1);
  });

  it("counts as seen when it is open, and what was refused is not asked for again at once", async () => {
    const { client, feed } = await open(1);
    const seen = vi.spyOn(client, "markSeen").mockRejectedValue(new Error("refused"));
    expect(client.getSnapshot().unseen).toBe(1);
    expect(seen).not.toHaveBeenCalled();
    feed.setOpen(true);
    await settle();
    expect(seen).toHaveBeenCalledTimes(1);
    expect(feed.getView().failure).toBe("refused");
    await client.markRead("all");
    await settle();
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it("that is open counts as seen when somebody looks at the page, also where nothing else has changed", async () => {
    const page = Object.assign(new EventTarget(), { hidden: true });
    vi.stubGlobal("document", page);
    const { client, feed, deliver } = await open(0);
    feed.setOpen(true);
    deliver();
    await settle();
    expect(client.getSnapshot().unseen).toBe(1);
    page.hidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(client.getSnapshot().unseen).toBe(0);
  });

  it("shows in a tab what is unread, and keeps the same view while nothing changes", async () => {
    const { client, feed } = await open(2);
    await client.markRead(client.getSnapshot().items[0]?.id as string);
    await settle();
    feed.setTab("unread");
    expect(feed.getView().items).toHaveLength(1);
    const view = feed.getView();
    feed.setTab("unread");
    expect(feed.getView()).toBe(view);
  });
});
