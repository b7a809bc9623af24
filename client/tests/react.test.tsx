/** @vitest-environment happy-dom */

import { act, StrictMode, useState } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { createTidings, type Tidings } from "../src/index.js";
import { Bell } from "../src/react/Bell.js";
import {
  Inbox,
  TidingsProvider,
  useMutes,
  useNotification,
  useNotifications,
  usePreferences,
  usePresence,
  useRoom,
  useStatus,
  useTidings,
  useTyping,
  useUnread,
} from "../src/react/index.js";
import { MemoryServer } from "../src/testing/server.js";
import { fakeTidings } from "../src/testing.js";
import { DEADLINE_MS } from "./support/deadline.js";
import { Locks } from "./support/locks.js";
import { host, root } from "./support/root.js";

/** Lets things happen, and React render them, until it holds. */
async function eventually(holds: () => void): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    await act(() => new Promise((done) => setTimeout(done, 5)));
    try {
      return holds();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** A client that is connected, with so many notifications. */
async function connected(count = 0) {
  const client = fakeTidings();
  for (let n = 1; n <= count; n += 1) client.deliver({ type: "note.text", payload: { title: `Number ${n}` } });
  client.connect();
  await eventually(() => expect(client.getSnapshot().loaded).toBe(true));
  return client;
}

const show = (what: React.ReactNode) => act(async () => root.render(<StrictMode>{what}</StrictMode>));

describe("a provider with options", () => {
  it("makes one client of them, however often it renders, asks who there is now for a token, and closes it", async () => {
    const server = new MemoryServer("alice");
    let opened = 0;
    class Counted extends server.WebSocket {
      constructor(url: string) {
        super(url);
        opened += 1;
      }
    }
    const asked: string[] = [];
    let client: Tidings | undefined;
    function Who() {
      client = useTidings();
      return <p>{useStatus().status}</p>;
    }
    const app = (name: string) => {
      const getToken = (why: string) => {
        asked.push(`${name} ${why}`);
        return "header.claims.signature";
      };
      const options = {
        url: "http://memory",
        sharing: "none",
        fetch: server.fetch,
        WebSocket: Counted as never,
      } as const;
      return (
        <TidingsProvider {...options} getToken={getToken} transports={["ws"]}>
          <Who />
        </TidingsProvider>
      );
    };
    await show(app("one"));
    await eventually(() => expect(host.textContent).toBe("connected"));
    await show(app("two"));
    expect({ opened, asked }).toEqual({ opened: 1, asked: ["one connect"] });
    client?.on("frame", ({ type }) => type === "goodbye" && server.drop(false));
    server.tell({ type: "goodbye", code: 4001, reason: "token_expired" });
    await eventually(() => expect(opened).toBe(2));
    expect(asked.slice(1)).toEqual(["two expired"]);
    await show(null);
    await eventually(() => expect(client?.getSnapshot().status).toBe("closed"));
  });
});

describe("the inbox", () => {
  it("renders again for what a component has asked for, and for nothing else", async () => {
    const client = await connected();
    let renders = 0;
    function Count() {
      renders += 1;
      return <p>{useUnread()}</p>;
    }
    await act(async () =>
      root.render(
        <TidingsProvider client={client}>
          <Count />
        </TidingsProvider>,
      ),
    );
    const before = renders;
    await act(async () => client.drop(true));
    expect(client.getSnapshot().status).toBe("reconnecting");
    expect(renders).toBe(before);
    client.restore();
    client.deliver({ type: "note.text", payload: {} });
    await eventually(() => expect(client.getSnapshot().unread).toBe(1));
    expect(host.textContent).toBe("1");
  });

  it("keeps the identity of what a hook returns while nothing changes", async () => {
    const client = await connected();
    const seen = new Set<unknown>();
    let again = () => {};
    function Look() {
      const [, set] = useState(0);
      again = () => set((n) => n + 1);
      seen.add(useNotifications());
      return null;
    }
    await act(async () =>
      root.render(
        <TidingsProvider client={client}>
          <Look />
        </TidingsProvider>,
      ),
    );
    await act(async () => again());
    expect(seen.size).toBe(1);
  });

  it("calls for each new one of a type, once, with the function that there is now", async () => {
    const client = await connected(1);
    const told: unknown[] = [];
    function Listen({ name }: { name: string }) {
      useNotification("order.shipped", ({ payload }) => told.push([name, payload]));
      return null;
    }
    const listen = (name: string) =>
      show(
        <TidingsProvider client={client}>
          <Listen name={name} />
        </TidingsProvider>,
      );
    await listen("one");
    client.deliver({ type: "order.shipped", payload: 1 });
    client.deliver({ type: "note.text", payload: 2 });
    await eventually(() => expect(told).toEqual([["one", 1]]));
    await listen("two");
    client.deliver({ type: "order.shipped", payload: 3 });
    await eventually(() =>
      expect(told).toEqual([
        ["one", 1],
        ["two", 3],
      ]),
    );
  });

  it("shows, marks, and opens what there is", async () => {
    const client = await connected(2);
    const [newest] = client.getSnapshot().items;
    const read = vi.spyOn(client, "markRead");
    const opened = vi.fn();
    await show(
      <TidingsProvider client={client}>
        <Inbox onOpen={opened} language="en" />
      </TidingsProvider>,
    );
    expect(host.querySelectorAll(".tidings-new")).toHaveLength(2);
    await act(async () => host.querySelector<HTMLElement>(".tidings-item")?.click());
    expect(read).toHaveBeenCalledWith(newest?.id);
    expect(opened.mock.calls[0]?.[0].id).toBe(newest?.id);
    await act(async () => host.querySelector<HTMLElement>(".tidings-all")?.click());
    expect(read).toHaveBeenLastCalledWith("all");
  });

  it("says in the name of the bell how many are new", async () => {
    const client = await connected(120);
    await show(
      <TidingsProvider client={client}>
        <Bell language="en" />
      </TidingsProvider>,
    );
    const button = host.querySelector("button");
    expect([button?.getAttribute("aria-label"), host.querySelector(".tidings-badge")?.textContent]).toEqual([
      "Notifications, 120 new",
      "99+",
    ]);
    await act(async () => button?.click());
    expect(button?.getAttribute("aria-expanded")).toBe("true");
  });

  it("has the focus go into a bell that is opened, and tells a screen reader what comes while it is closed", async () => {
    const client = await connected(1);
    await show(
      <TidingsProvider client={client}>
        <Bell language="en" />
      </TidingsProvider>,
    );
    const told = host.querySelector("[role=status]");
    expect(told?.textContent).toBe("");
    client.deliver({ type: "note.text", payload: {} });
    await eventually(() => expect(told?.textContent).toBe("1 new notification"));
    await act(async () => host.querySelector("button")?.click());
    expect(told?.textContent).toBe("");
    expect(document.activeElement?.textContent).toBe("All");
  });

  it("says once what comes while its list is open, which is closed at once", async () => {
    const client = await connected(1);
    await show(
      <TidingsProvider client={client}>
        <Bell language="en" />
      </TidingsProvider>,
    );
    const press = () => act(async () => host.querySelector("button")?.click());
    const [told] = host.querySelectorAll("[role=status]");
    await press();
    client.deliver({ type: "note.text", payload: {} });
    await eventually(() => expect(host.querySelector("section [role=status]")?.textContent).toBe("1 new notification"));
    await press();
    expect(told?.textContent).toBe("");
  });

  it("leaves the focus at what was done something to, at its neighbour where it is gone, and in the inbox after the last", async () => {
    const client = await connected(3);
    await show(
      <TidingsProvider client={client}>
        <Inbox language="en" />
      </TidingsProvider>,
    );
    const titleOfFocused = () => document.activeElement?.closest("li")?.querySelector("strong")?.textContent;
    const does = async (title: string, text: string) => {
      const entry = [...host.querySelectorAll("li")].find((one) => one.textContent?.includes(title));
      const press = (button?: HTMLElement | null) => {
        button?.focus();
        button?.click();
      };
      await act(async () => press(entry?.querySelector<HTMLElement>(".tidings-more")));
      const actions = entry?.querySelectorAll<HTMLElement>(".tidings-actions button") ?? [];
      await act(async () => press([...actions].find((one) => one.textContent === text)));
    };
    await does("Number 2", "Mark as read");
    await eventually(() => expect(titleOfFocused()).toBe("Number 2"));
    await does("Number 2", "Archive");
    await eventually(() => expect(titleOfFocused()).toBe("Number 1"));
    await does("Number 1", "Delete");
    await eventually(() => expect(titleOfFocused()).toBe("Number 3"));
    await does("Number 3", "Delete");
    await eventually(() => expect(document.activeElement?.textContent).toBe("All"));
  });

  it("renders on a server, where nobody is connected", () => {
    const client = fakeTidings();
    const html = renderToString(
      <TidingsProvider client={client}>
        <Bell language="en" />
      </TidingsProvider>,
    );
    expect(html).toContain("Notifications");
  });
});

describe("a page that a server has rendered", () => {
  it("is rendered the same in a browser at first, and then as this browser is", async () => {
    const app = (client: Tidings) => (
      <TidingsProvider client={client}>
        <Inbox language="en" />
      </TidingsProvider>
    );
    const place = host.appendChild(document.createElement("div"));
    place.innerHTML = renderToString(app(fakeTidings()));
    // A browser that pushes, where a server has nothing to ask for.
    vi.stubGlobal("navigator", { serviceWorker: {} });
    vi.stubGlobal("PushManager", class {});
    vi.stubGlobal("Notification", { permission: "default" });
    const client = await connected(1);
    const onRecoverableError = vi.fn();
    const hydrated = await act(async () => hydrateRoot(place, app(client), { onRecoverableError }));
    expect(onRecoverableError).not.toHaveBeenCalled();
    await eventually(() => expect(place.textContent).toContain("Number 1"));
    expect(place.textContent).toContain("Notify me");
    await act(async () => hydrated.unmount());
  });
});

describe("preferences", () => {
  it("are changed in what is named, and left in the rest, also before they are known", async () => {
    const client = await connected();
    const quiet = { zone: "UTC", from: "22:00", to: "07:00" };
    await client.preferences.set({ quiet });
    let update: ReturnType<typeof usePreferences>["update"] | undefined;
    function Settings() {
      const preferences = usePreferences();
      // The one that knows nothing yet.
      update ??= preferences.update;
      return null;
    }
    await show(
      <TidingsProvider client={client}>
        <Settings />
      </TidingsProvider>,
    );
    await act(async () => void (await update?.({ push: false })));
    expect(await client.preferences.get()).toEqual({ quiet, push: false });
    // One right behind the other, and neither takes the other back.
    await act(async () => void (await Promise.all([update?.({ push: true }), update?.({ quiet: null })])));
    expect(await client.preferences.get()).toEqual({ quiet: null, push: true });
  });

  it("are changed by one component after the other, and neither takes the other back", async () => {
    const client = await connected();
    const handles: ReturnType<typeof usePreferences>[] = [];
    function Settings({ at }: { at: number }) {
      handles[at] = usePreferences();
      return null;
    }
    await show(
      <TidingsProvider client={client}>
        <Settings at={0} />
        <Settings at={1} />
      </TidingsProvider>,
    );
    const quiet = { zone: "UTC", from: "22:00", to: "07:00" };
    await act(
      async () => void (await Promise.all([handles[0]?.update({ push: false }), handles[1]?.update({ quiet })])),
    );
    expect(await client.preferences.get()).toEqual({ quiet, push: false });
  });

  it("are changed by one tab after the other, and neither takes the other back", async () => {
    vi.stubGlobal("navigator", Object.create(navigator, { locks: { value: new Locks() } }));
    const server = new MemoryServer("alice");
    const { fetch, WebSocket } = server;
    const options = { ...{ url: "http://memory", token: "x", fetch, WebSocket }, sharing: "none" } as const;
    const handles: ReturnType<typeof usePreferences>[] = [];
    function Settings({ at }: { at: number }) {
      handles[at] = usePreferences();
      return null;
    }
    const tabs = [createTidings(options), createTidings(options)].map((client, at) => (
      <TidingsProvider key={at} client={client}>
        <Settings at={at} />
      </TidingsProvider>
    ));
    await show(tabs);
    const quiet = { zone: "UTC", from: "22:00", to: "07:00" };
    await act(
      async () => void (await Promise.all([handles[0]?.update({ push: false }), handles[1]?.update({ quiet })])),
    );
    const answer = await fetch("http://memory/v1/preferences", {});
    expect(await answer.json()).toEqual({ quiet, push: false });
    vi.unstubAllGlobals();
  });
});

describe("preferences of one who gets no token", () => {
  it.each([true, false])("hold up those of no other for long, with locks: %s", async (hasLocks) => {
    vi.stubGlobal("navigator", Object.create(navigator, { locks: { value: hasLocks ? new Locks() : undefined } }));
    const server = new MemoryServer("alice");
    const { fetch, WebSocket } = server;
    const options = { ...{ url: "http://memory", fetch, WebSocket }, sharing: "none" } as const;
    const handles: ReturnType<typeof usePreferences>[] = [];
    function Settings({ at }: { at: number }) {
      handles[at] = usePreferences();
      return null;
    }
    const never = () => new Promise<never>(() => {});
    const tabs = [createTidings({ ...options, getToken: never }), createTidings({ ...options, token: "x" })];
    await show(
      tabs.map((client, at) => (
        <TidingsProvider key={at} client={client}>
          <Settings at={at} />
        </TidingsProvider>
      )),
    );
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await act(async () => {
      handles[0]?.update({ push: true }).catch(() => {});
      const other = handles[1]?.update({ push: false });
      for (let n = 0; n < 20; n += 1) await new Promise((done) => setImmediate(done));
      await vi.advanceTimersByTimeAsync(hasLocks ? 30_000 : 0);
      expect((await other)?.push).toBe(false);
    });
    vi.unstubAllGlobals();
  });
});

describe("mutes", () => {
  it("are what the server has, and change", async () => {
    const client = await connected();
    await client.mutes.add("comment.*");
    let handle: ReturnType<typeof useMutes> | undefined;
    function Muted() {
      handle = useMutes();
      return <p>{handle.mutes.map(({ pattern }) => pattern).join()}</p>;
    }
    await show(
      <TidingsProvider client={client}>
        <Muted />
      </TidingsProvider>,
    );
    await eventually(() => expect(host.textContent).toBe("comment.*"));
    await act(async () => handle?.mute("order.shipped"));
    expect(host.textContent).toBe("comment.*,order.shipped");
    await act(async () => handle?.unmute("comment.*"));
    expect(host.textContent).toBe("order.shipped");
  });
});

describe("a room", () => {
  it("shows who is there and what is said, whatever it is called", async () => {
    const client = await connected();
    const name = "constructor";
    function Chat() {
      const { users, userCount } = usePresence(name);
      const { messages, typing } = useRoom<string>(name);
      return <p>{[users.join("+"), userCount, messages.map(({ data }) => data).join(), typing.join()].join(" ")}</p>;
    }
    await show(
      <TidingsProvider client={client}>
        <Chat />
      </TidingsProvider>,
    );
    await eventually(() => expect(host.textContent).toBe("alice 1  "));
    client.setUsers(name, ["bob"]);
    client.say(name, "bob", "Hello");
    client.setTyping(name, ["bob"]);
    await eventually(() => expect(host.textContent).toBe("alice+bob 2 Hello bob"));
  });

  it("is joined once by all that ask for it, and left with the last", async () => {
    const client = await connected();
    const room = vi.spyOn(client, "room");
    function Chat() {
      return <p>{useRoom("general").status}</p>;
    }
    function Typing() {
      return <p>{useTyping("general").typing.join()}</p>;
    }
    await show(
      <TidingsProvider client={client}>
        <Chat />
        <Typing />
      </TidingsProvider>,
    );
    const leaves = room.mock.results.map(({ value }) => vi.spyOn(value, "leave"));
    await show(<TidingsProvider client={client} />);
    // StrictMode has taken and left each of them once before.
    expect(leaves.filter((leave) => leave.mock.calls.length > 0)).toHaveLength(2);
  });
});
