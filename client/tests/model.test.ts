import { describe, expect, it } from "vitest";
import type { Notification } from "../src/wire.js";
import { golden, goldenNames } from "./support/golden.js";
import { begun, counters, ids, item, link, NOW, Played, page } from "./support/model.js";

describe("the samples of the wire", () => {
  it.each(goldenNames().filter((name) => !name.startsWith("command_")))("%s is taken", (name) => {
    const played = begun().take({ type: "@want", room: "chat:general" });
    expect(() => played.take(golden(name))).not.toThrow();
  });

  it("tell the story that they tell", () => {
    const story = begun().take(golden("notification"), golden("unread"));
    expect(story.snapshot).toMatchObject({ user: "alice", unread: 4, unseen: 4, loaded: true });
    expect(story.told("notification")).toHaveLength(1);
    story.take(golden("marked_up_to"));
    expect(story.snapshot.items.map((one) => !!one.seen_at)).toEqual([false, false, true, true]);
    // The samples stand for single moments: between this one and the next a mark is left out.
    story.take(golden("marked_all"));
    expect(story.snapshot).toMatchObject({ unread: 0, unseen: 0 });
    expect(story.lists).toBeGreaterThan(1);
  });

  it("tell that of a room, too", () => {
    const story = begun().take({ type: "@want", room: "chat:general" }, golden("ok_join"));
    story.take(golden("user_joined"), golden("message_full"), golden("message"), golden("message"));
    const room = () => story.snapshot.rooms["chat:general"];
    expect(room()).toMatchObject({ status: "joined", users: ["bob", "alice"], userCount: 2 });
    expect(room()?.messages.map(({ from }) => from)).toEqual(["alice", "bob"]);
    story.take(golden("typing"));
    expect(room()?.typing, "oneself is left out").toEqual([]);
    story.take(golden("user_left"));
    expect(room()?.users).toEqual(["bob"]);
    story.take(golden("left"));
    expect(room()).toMatchObject({ status: "left", error: { code: "forbidden" } });
  });
});

describe("an inbox", () => {
  it("takes each notification once, whatever comes twice", () => {
    const played = begun().take(item(4), item(5), item(4), item(5), item(3));
    expect(ids(played.snapshot)).toEqual(["ntf_5", "ntf_4", "ntf_3", "ntf_2", "ntf_1"]);
    expect(played.told<Notification>("notification").map(({ id }) => id)).toEqual(["ntf_4", "ntf_5"]);
    expect(played.state.cursors.inbox).toBe("k3x9q2ab.5");
  });

  it("reads the list again after a gap, and goes on behind it", () => {
    const played = begun();
    const lists = played.lists;
    played.take({ type: "gap", stream: "inbox", from: "k3x9q2ab.3", to: "k3x9q2ab.9", reason: "pruned" });
    expect(played.lists).toBe(lists + 1);
    expect(played.told("reset")).toEqual([{ stream: "inbox", reason: "pruned" }]);
    played.take({ type: "@page", page: page([item(9), item(8)], 9, counters(2, 9)) }, item(10));
    expect(ids(played.snapshot)).toEqual(["ntf_10", "ntf_9", "ntf_8"]);
  });

  it("starts anew in another life of the numbering, and believes its counters", () => {
    const played = begun().take(golden("gap"));
    const fresh = { ...item(1), id: "ntf_new", position: "newepoch.1" };
    played.take({ type: "gap", stream: "inbox", from: "k3x9q2ab.4", to: "newepoch.1", reason: "epoch" });
    const anew = { notifications: [fresh], next_before: null, counters: counters(1, 1), cursor: "inbox@newepoch.1" };
    played.take({ type: "@page", page: anew });
    expect(played.snapshot).toMatchObject({ items: [fresh], unread: 1 });
  });

  it.each(["epoch", "ahead"] as const)("has nothing left of another life, also where that is empty: %s", (reason) => {
    const played = begun().take({ type: "gap", stream: "inbox", from: "k3x9q2ab.3", to: "newepoch.0", reason });
    const empty = { notifications: [], next_before: null, counters: counters(0, 0), cursor: "inbox@00000000.0" };
    played.take({ type: "@page", page: empty });
    expect(played.snapshot).toMatchObject({ items: [], unread: 0 });
  });

  it("counts on where only some were missed", () => {
    const played = begun().take({ type: "unread", counters: counters(5, 9) });
    played.take({ type: "gap", stream: "inbox", from: "k3x9q2ab.3", to: "k3x9q2ab.9", reason: "overflow" });
    played.take({ type: "unread", counters: counters(4, 8) });
    expect(played.snapshot.unread).toBe(5);
  });

  it("takes no page that was read before a mark that is known, unless it is to be believed", () => {
    const played = begun().take({ type: "marked", as: "read", all: true, counters: counters(0, 4, 1) });
    const older = page([item(3), item(2), item(1)], 3, counters(3, 3));
    const lists = played.lists;
    played.take({ type: "@page", page: older });
    expect(played.snapshot.unread).toBe(0);
    expect(played.lists).toBe(lists + 1);
    played.take({ type: "@page", page: older, isBelieved: true });
    expect(played.snapshot.unread).toBe(3);
  });

  it("is not cut off by a page that is shorter than what was fetched, and is read as long as it is", () => {
    const long = [6, 5, 4, 3, 2, 1].map((offset) => item(offset));
    const played = begun().take(item(4), item(5), item(6));
    const lists = played.lists;
    const short = page(long.slice(0, 2), 6, counters(6, 6), "k3x9q2ab.5");
    played.take({ type: "@page", page: short });
    expect([played.snapshot.items.length, played.lists]).toEqual([6, lists + 1]);
    // What has come since is no reason to read once more, and what is all there is no cut.
    played.take(item(7), { type: "@page", page: page(long.slice(0, 5), 6, counters(5, 7)) });
    expect([ids(played.snapshot), played.lists]).toEqual([
      ["ntf_7", "ntf_6", "ntf_5", "ntf_4", "ntf_3", "ntf_2"],
      lists + 1,
    ]);
    played.take({ type: "@page", page: short, isBelieved: true });
    expect(ids(played.snapshot)).toEqual(["ntf_7", "ntf_6", "ntf_5"]);
  });

  it("keeps a thousand, and fetches older ones again", () => {
    const played = begun();
    for (let offset = 4; offset <= 1200; offset += 1) played.take(item(offset));
    expect(played.snapshot).toMatchObject({ items: { length: 1000 }, hasMore: true });
    expect(played.state.before).toBe("k3x9q2ab.201");
  });

  it("tells a hole that nobody has announced, and reads the list", () => {
    const played = begun();
    const lists = played.lists;
    played.take(item(7));
    expect(played.told("reset")).toEqual([{ stream: "inbox", reason: "jump" }]);
    expect(played.lists).toBe(lists + 1);
  });

  it("never counts backwards", () => {
    const played = begun().take(
      { type: "unread", counters: counters(5, 9) },
      { type: "unread", counters: counters(4, 8) },
    );
    expect(played.snapshot.unread).toBe(5);
  });

  it("reads the list where marks were made that it was not told of", () => {
    const played = begun();
    const lists = played.lists;
    played.take({ type: "unread", counters: counters(2, 4, 1) });
    expect(played.lists).toBe(lists + 1);
    expect(played.snapshot.unread).toBe(2);
  });

  it("keeps what has come while the list was being read", () => {
    const played = begun().take(item(4), { type: "@page", page: page([item(3), item(2)], 3, counters(3, 3)) });
    expect(ids(played.snapshot)).toEqual(["ntf_4", "ntf_3", "ntf_2"]);
  });

  it("that has to be read is read by whoever is connected next, until it has been", () => {
    const played = begun().take({
      type: "gap",
      stream: "inbox",
      from: "k3x9q2ab.3",
      to: "k3x9q2ab.9",
      reason: "pruned",
    });
    const lists = played.lists;
    const back = golden<object>("welcome");
    const inbox = { position: "k3x9q2ab.9", counters: counters(2, 9) };
    const welcome = { ...back, resume: "complete", inbox } as never;
    played.take(link("reconnecting"), welcome);
    expect(played.lists, "not before there is a connection").toBe(lists);
    played.take(link("connected"));
    expect(played.lists).toBe(lists + 1);
    played.take({ type: "@page", page: page([item(9), item(8)], 9, counters(2, 9)) });
    played.take(link("reconnecting"), welcome, link("connected"));
    expect(played.lists, "nothing was missed").toBe(lists + 1);
  });

  it("is that of the tab that leads, for one who comes anew, but for what is pending here", () => {
    const leader = begun().take(item(4));
    const pending = { id: 1, as: "read", which: { ids: ["ntf_4"] } } as const;
    const late = new Played().take({ type: "@pending", pending }, { type: "@adopt", state: leader.state });
    expect(late.state).toEqual({ ...leader.state, pending: [{ ...pending, at: NOW }] });
    expect(late.snapshot).toMatchObject({ status: "connected", unread: 2 });
    expect(late.effects, "what was told before is not told here").toEqual([
      ["status", { status: "connected", transport: "ws" }],
    ]);
    // One that has been there before cannot know what it has missed.
    late.take({ type: "@adopt", state: leader.take(item(5)).state });
    expect(late.told("reset")).toEqual([{ stream: "inbox", reason: "adopted" }]);
  });

  it("says what was missed, and that all of it follows", () => {
    const played = begun();
    const back = golden<object>("welcome");
    const inbox = { position: "k3x9q2ab.5", counters: counters(5, 5) };
    played.take({ ...back, resume: "complete", inbox } as never, item(4), item(5));
    expect(played.told("recovered")).toEqual([{ stream: "inbox", count: 2, complete: true }]);
    played.take({ ...back, resume: "complete", inbox } as never);
    expect(played.told("recovered"), "nothing was missed").toHaveLength(1);
  });
});
