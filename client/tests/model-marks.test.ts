import { describe, expect, it } from "vitest";
import type { Input } from "../src/model/state.js";
import { golden } from "./support/golden.js";
import { begun, counters, ids, item, NOW, page } from "./support/model.js";

describe("a mark", () => {
  const pending = (id: number, as: "read" | "unread" | "archived" | "deleted", which: object): Input => ({
    type: "@pending",
    pending: { id, as, which },
  });

  it("is shown at once, and taken back where it is refused", () => {
    const played = begun();
    const before = played.snapshot;
    played.take(pending(1, "read", { ids: ["ntf_2"] }));
    expect(played.snapshot).toMatchObject({ unread: 2, unseen: 2 });
    expect(played.snapshot.items[1]?.read_at).toBe(NOW);
    played.take({ type: "@settled", id: 1, isRefused: true });
    expect(played.snapshot.items).toBe(before.items);
    expect(played.snapshot.unread).toBe(3);
  });

  it("of all counts only what comes later", () => {
    const played = begun().take(pending(1, "read", { up_to: "k3x9q2ab.3" }));
    expect(played.snapshot.unread).toBe(0);
    played.take(item(4), { type: "unread", counters: counters(4, 4) });
    expect(played.snapshot.unread).toBe(1);
    played.take({ type: "@settled", id: 1, counters: counters(1, 5, 1) });
    expect(played.snapshot).toMatchObject({ unread: 1, unseen: 1 });
    expect(played.snapshot.items.map((one) => !!one.read_at)).toEqual([false, true, true, true]);
  });

  it("is told once, whether its answer or its event comes first", () => {
    const event = { type: "marked", as: "read", ids: ["ntf_2"], counters: counters(2, 4, 1) } as const;
    const settled = { type: "@settled", id: 1, counters: counters(2, 4, 1) } as const;
    for (const order of [
      [event, settled],
      [settled, event],
    ]) {
      const played = begun();
      const lists = played.lists;
      played.take(pending(1, "read", { ids: ["ntf_2"] }), ...order);
      expect(played.told("marked")).toHaveLength(1);
      expect(played.snapshot.unread).toBe(2);
      expect(played.lists).toBe(lists);
    }
  });

  it("that is answered behind a newer one of somebody else does not undo it, and reads the list", () => {
    const played = begun();
    const lists = played.lists;
    played.take(pending(1, "read", { ids: ["ntf_2"] }));
    played.take({ type: "marked", as: "read", ids: ["ntf_2"], counters: counters(2, 4, 1) });
    played.take({ type: "marked", as: "unread", ids: ["ntf_2"], counters: counters(3, 5, 2) });
    played.take({ type: "@settled", id: 1, counters: counters(2, 4, 1) });
    expect(played.snapshot.items[1]?.read_at).toBeUndefined();
    expect(played.snapshot.unread).toBe(3);
    expect(played.lists).toBe(lists + 1);
  });

  it("that deletes takes the item away and counts it out, before the counters come", () => {
    const played = begun().take(pending(1, "deleted", { ids: ["ntf_3"] }), { type: "@settled", id: 1 });
    expect(ids(played.snapshot)).toEqual(["ntf_2", "ntf_1"]);
    expect(played.snapshot.unread).toBe(2);
    played.take({ type: "marked", as: "deleted", ids: ["ntf_3"], counters: counters(2, 4, 1) });
    expect(played.snapshot.unread).toBe(2);
  });

  it("that deletes is counted as the server does as soon as a page says how", () => {
    const played = begun().take(pending(1, "deleted", { ids: ["ntf_0"] }), { type: "@settled", id: 1 });
    played.take({ type: "@page", page: page([item(3), item(2), item(1)], 3, counters(7, 3)) });
    expect(played.snapshot.unread).toBe(7);
  });

  it("as unread leaves what was never read as it is, unseen too", () => {
    const played = begun();
    const [newest] = played.snapshot.items;
    played.take({ type: "marked", as: "unread", ids: ["ntf_3"], counters: counters(3, 4, 1) });
    expect(played.snapshot.items[0]).toBe(newest);
  });

  it("that brings one back from the archive reads the list", () => {
    const played = begun();
    const lists = played.lists;
    played.take({ type: "marked", as: "unread", ids: ["ntf_0"], counters: counters(4, 4, 1) });
    expect(played.lists).toBe(lists + 1);
  });
});

describe("a snapshot", () => {
  it("is the same object as long as nothing has changed, and so is each part of it", () => {
    const played = begun().take({ type: "@want", room: "chat:general" });
    const before = played.snapshot;
    expect(played.snapshot).toBe(before);
    played.take(golden("ping"), { type: "unread", counters: counters(9, 1) });
    expect(played.snapshot).toBe(before);
    played.take({ type: "unread", counters: counters(4, 4) });
    expect(played.snapshot).not.toBe(before);
    expect(played.snapshot.items).toBe(before.items);
    expect(played.snapshot.rooms).toBe(before.rooms);
  });

  it("is the same after a poll that has brought nothing", () => {
    const poll: Input = { type: "@polled", cursor: "inbox@k3x9q2ab.3,chat:general@e1e1e1e1.1", ping_interval_ms: 1000 };
    const played = begun().take({ type: "@want", room: "chat:general" }, poll);
    const before = played.snapshot;
    expect(played.take(poll).snapshot).toBe(before);
  });
});

describe("a room", () => {
  it("has what history brings in the order of its numbering, once", () => {
    const say = (offset: number) => ({ ...golden<object>("message"), position: `e1e1e1e1.${offset}` }) as never;
    const played = begun().take({ type: "@want", room: "chat:general" }, golden("ok_join"));
    played.take(say(1), say(2), say(2));
    const history = { messages: [say(1), say(2), say(3)], position: "e1e1e1e1.3", resume: "fresh" } as const;
    played.take({ type: "@history", room: "chat:general", history }, say(3));
    const { messages } = played.snapshot.rooms["chat:general"] ?? { messages: [] };
    expect(messages.map(({ position }) => position)).toEqual(["e1e1e1e1.1", "e1e1e1e1.2", "e1e1e1e1.3"]);
  });

  it("that was left is not heard any more", () => {
    const played = begun().take({ type: "@want", room: "chat:general" }, { type: "@drop", room: "chat:general" });
    played.take(golden("message"), golden("typing"));
    expect(played.snapshot.rooms).toEqual({});
    expect(played.told("message")).toEqual([]);
  });

  it.each(["constructor", "toString", "__proto__"])("may be called %s", (room) => {
    const played = begun();
    expect(() => played.take({ ...golden<object>("message"), room } as never)).not.toThrow();
    expect(played.snapshot.rooms).toEqual({});
    played.take({ type: "@want", room }, { ...golden<object>("ok_join"), room } as never);
    played.take({ ...golden<object>("message"), room } as never);
    expect(Object.entries(played.snapshot.rooms)).toMatchObject([[room, { status: "joined" }]]);
  });
});
