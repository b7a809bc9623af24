/** @vitest-environment happy-dom */

import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import { usePolling, usePollingWithBackoff, useSSE, useWebSocket } from "../src/react/index.js";
import { host, root } from "./support/root.js";

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

  it("read an event stream, and say where the browser has given it up", async () => {
    class Stream {
      static all: Stream[] = [];
      readyState = 0;
      onopen?: () => void;
      onmessage?: (event: object) => void;
      onerror?: () => void;
      constructor() {
        Stream.all.push(this);
      }
      close() {
        this.readyState = 2;
      }
    }
    vi.stubGlobal("EventSource", Stream);
    function Read({ url = "https://a.example/sse" }: { url?: string | null }) {
      const { data, error, isConnected } = useSSE<{ n: number }>(url);
      return <p>{[data?.n, error?.message, isConnected].join()}</p>;
    }
    await act(async () => root.render(<Read />));
    const stream = Stream.all[0] as Stream;
    await act(async () => stream.onopen?.());
    await act(async () => stream.onmessage?.({ data: '{"n":1}' }));
    expect(host.textContent).toBe("1,,true");
    await act(async () => stream.onmessage?.({ data: "no JSON" }));
    expect(host.textContent).toBe("1,an event is not JSON,true");
    await act(async () => stream.onerror?.());
    expect(host.textContent).toBe("1,the stream was lost,false");
    await act(async () => stream.onopen?.());
    expect(host.textContent, "the browser has come back").toBe("1,,true");
    stream.readyState = 2;
    await act(async () => stream.onerror?.());
    expect(host.textContent).toBe("1,the stream was refused,false");
    await act(async () => root.render(<Read />));
    expect(Stream.all, "nothing else has opened one").toHaveLength(1);
    await act(async () => root.render(<Read url={null} />));
    expect([host.textContent, stream.readyState]).toEqual([",,false", 2]);
  });

  it("ask one at a time, and again after the answer", async () => {
    vi.useFakeTimers();
    let open = 0;
    let most = 0;
    let calls = 0;
    let answer: (value?: unknown) => void = () => {};
    const slow = async () => {
      calls += 1;
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => {
        answer = resolve;
      });
      open -= 1;
      return calls;
    };
    function Poll() {
      const { data, isLoading } = usePolling(() => slow(), { interval: 100 });
      return <p>{isLoading ? "loading" : data}</p>;
    }
    await act(async () => root.render(<Poll />));
    expect(host.textContent).toBe("loading");
    // However long the answer takes, nothing else is asked meanwhile.
    await act(async () => vi.advanceTimersByTimeAsync(10_000));
    expect([calls, host.textContent]).toEqual([1, "loading"]);
    await act(async () => answer());
    expect([calls, host.textContent]).toEqual([1, "1"]);
    await act(async () => vi.advanceTimersByTimeAsync(100));
    await act(async () => answer());
    expect([calls, most, host.textContent]).toEqual([2, 1, "2"]);
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
