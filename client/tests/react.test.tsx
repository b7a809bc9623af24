/** @vitest-environment happy-dom */

import { act, StrictMode, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Bell } from "../src/react/Bell.js";
import {
  Inbox,
  TidingsProvider,
  useNotifications,
  usePolling,
  usePollingWithBackoff,
  useRoom,
  useTyping,
  useUnread,
  useWebSocket,
} from "../src/react/index.js";
import { fakeTidings } from "../src/testing.js";

let root: Root;
let host: HTMLElement;

beforeEach(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  host = document.body.appendChild(document.createElement("div"));
  root = createRoot(host);
});

afterEach(async () => {
  await act(async () => root.unmount());
  host.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A client that is connected, with so many notifications. */
async function connected(count = 0) {
  const client = fakeTidings();
  for (let n = 1; n <= count; n += 1) client.deliver({ type: "note.text", payload: { title: `Number ${n}` } });
  client.connect();
  await vi.waitFor(() => expect(client.getSnapshot().loaded).toBe(true));
  return client;
}

const show = (what: React.ReactNode) => act(async () => root.render(<StrictMode>{what}</StrictMode>));

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
    await act(() => vi.waitFor(() => expect(client.getSnapshot().unread).toBe(1)));
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

describe("a room", () => {
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

describe("plain hooks", () => {
  class Socket {
    static all: Socket[] = [];
    readyState = 0;
    sent: string[] = [];
    onopen?: () => void;
    onclose?: (event: object) => void;
    onmessage?: (event: object) => void;
    constructor() {
      Socket.all.push(this);
    }
    open() {
      this.readyState = 1;
      this.onopen?.();
    }
    send(text: string) {
      this.sent.push(text);
    }
    close() {
      this.readyState = 3;
      this.onclose?.({ code: 1000 });
    }
  }

  it("never connect anew for a new options object, and come back after a clean close", async () => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Socket);
    Socket.all = [];
    const got: unknown[] = [];
    let socket: ReturnType<typeof useWebSocket> | undefined;
    function Listen({ name }: { name: string }) {
      socket = useWebSocket("ws://a.example", { onMessage: (data) => got.push([name, data]) });
      return null;
    }
    await act(async () => root.render(<Listen name="one" />));
    expect(socket?.sendMessage({ n: 1 })).toBe(false);
    await act(async () => Socket.all[0]?.open());
    await act(async () => root.render(<Listen name="two" />));
    expect(Socket.all).toHaveLength(1);
    await act(async () => Socket.all[0]?.onmessage?.({ data: '{"n":1}' }));
    expect(got).toEqual([["two", { n: 1 }]]);
    expect(socket?.sendMessage({ n: 1 })).toBe(true);
    await act(async () => Socket.all[0]?.close());
    expect(socket?.isConnected).toBe(false);
    await act(async () => vi.advanceTimersByTimeAsync(4_500));
    expect(Socket.all).toHaveLength(2);
    await act(async () => root.render(null));
    await act(async () => vi.advanceTimersByTimeAsync(60_000));
    expect(Socket.all).toHaveLength(2);
  });

  it("ask one at a time, and again after the answer", async () => {
    vi.useFakeTimers();
    let open = 0;
    let most = 0;
    let calls = 0;
    const slow = async () => {
      calls += 1;
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 300));
      open -= 1;
      return calls;
    };
    function Poll() {
      const { data, isLoading } = usePolling(() => slow(), { interval: 100 });
      return <p>{isLoading ? "loading" : data}</p>;
    }
    await act(async () => root.render(<Poll />));
    expect(host.textContent).toBe("loading");
    await act(async () => vi.advanceTimersByTimeAsync(850));
    expect([calls, most, host.textContent]).toEqual([3, 1, "2"]);
  });

  it("wait longer after each failure, and not after a success", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const at: number[] = [];
    const start = Date.now();
    const answers = [false, false, true, false, true];
    const ask = async () => {
      at.push(Date.now() - start);
      if (!answers[at.length - 1]) throw new Error("no");
    };
    function Poll() {
      usePollingWithBackoff(ask);
      return null;
    }
    await act(async () => root.render(<Poll />));
    await act(async () => vi.advanceTimersByTimeAsync(10_000));
    expect(at.slice(0, 5)).toEqual([0, 2_000, 6_000, 7_000, 9_000]);
    vi.mocked(Math.random).mockRestore();
  });
});
